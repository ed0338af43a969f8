//! Waits for what a change comes to in the processes that it concerns, and tells the client as they
//! answer.

use super::handled::visible;
use super::show;
use crate::daemon::Daemon;
use crate::registry::{Entry, Outcome};
use crate::server::{Client, Link, Reported};
use patchctl_protocol::client::{Changed, ErrorReply, ProcessOutcome, Reply};
use patchctl_protocol::plan::PatchRef;
use patchctl_protocol::state::{Reason, Refusal, State};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Longest wait that a client may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Waits for the processes and makes the reply's content.
pub async fn gather(daemon: &Daemon, client: &mut Client, outcome: &Outcome, wait_ms: u64) -> Changed {
    let deadline = Instant::now() + Duration::from_millis(wait_ms).min(LONGEST_WAIT);
    let ids: Arc<[String]> = outcome.patches.iter().map(|entry| entry.id().to_owned()).collect();
    let mut waits = JoinSet::new();
    for link in concerned(daemon, outcome) {
        waits.spawn(wait(link, outcome.after.revision, Arc::clone(&ids), deadline));
    }
    let mut processes = Vec::new();
    while let Some(answered) = waits.join_next().await {
        let known = processes.len();
        let others = std::iter::from_fn(|| waits.try_join_next());
        // A process that has ended has no patches.
        for (link, reported) in std::iter::once(answered).chain(others).filter_map(|one| one.ok().flatten()) {
            let of_patch = |entry: &Arc<Entry>| process_outcome(&link, reported.as_deref(), entry, outcome);
            processes.extend(outcome.patches.iter().map(of_patch));
        }
        client.progress(&processes[known..]).await;
    }
    processes.sort_by(|a, b| (a.process.pid, &a.patch.id).cmp(&(b.process.pid, &b.patch.id)));
    let patches = outcome.patches.iter().map(|entry| entry.info()).collect();
    Changed { revision: outcome.after.revision, patches, processes, notes: Vec::new() }
}

/// The processes whose desired state this change made another one.
fn concerned(daemon: &Daemon, outcome: &Outcome) -> Vec<Arc<Link>> {
    let mut links = daemon.links.all();
    links.retain(|link| outcome.after.view(link.asker.process.uid).changed_at > outcome.before.revision);
    links
}

/// The link with its first report of this revision or a later one in which none of the patches waits for its
/// moment any more, or the last one before the deadline; nothing if the process went.
async fn wait(
    link: Arc<Link>,
    revision: u64,
    ids: Arc<[String]>,
    deadline: Instant,
) -> Option<(Arc<Link>, Option<Arc<Reported>>)> {
    let mut reports = link.reported.subscribe();
    let reported = tokio::select! {
        reached = timeout_at(deadline, reports.wait_for(|reported| {
            reported.revision >= revision && !ids.iter().any(|id| is_waiting(reported, id))
        })) => {
            reached.ok().and_then(Result::ok).map(|reported| Arc::clone(&reported))
        }
        () = link.closed() => return None,
    };
    let last = || Some(Arc::clone(&link.reported.borrow())).filter(|last| last.revision >= revision);
    let reported = reported.or_else(last);
    Some((link, reported))
}

fn is_waiting(reported: &Reported, id: &str) -> bool {
    reported.find(id).is_some_and(|patch| patch.state == State::Waiting)
}

fn process_outcome(
    link: &Link,
    reported: Option<&Reported>,
    entry: &Entry,
    outcome: &Outcome,
) -> ProcessOutcome {
    let view = outcome.after.view(link.asker.process.uid);
    let module = entry.patch.as_ref().and_then(|patch| patch.modules.first());
    let wanted = module.is_some_and(|name| view.of_module(name).any(|(one, _)| one.id() == entry.id()));
    let mut result = ProcessOutcome {
        process: link.info(),
        patch: PatchRef::clone(&entry.reference),
        state: None,
        refusal: None,
        functions: 0,
        stale: Vec::new(),
        forced: None,
        pause_us: reported.map_or(0, |reported| reported.pause_us),
    };
    let found = reported.and_then(|reported| reported.find(entry.id()));
    match (reported, found) {
        (None, _) => {
            result.state = Some(State::Unanswered);
            let detail = "the process did not answer in time";
            result.refusal = Some(Refusal::new(Reason::TimedOut, detail));
        }
        (Some(_), Some(state)) => {
            result.state = Some(state.state);
            result.refusal = state.refusal.as_deref().cloned();
            result.functions = state.functions;
            result.stale = state.stale.to_vec();
            result.forced = state.forced.as_deref().map(str::to_owned);
        }
        (Some(Reported { disabled: Some(fault), .. }), None) if wanted => {
            result.state = Some(State::Failed);
            result.refusal = Some(Refusal::new(Reason::Internal, fault.clone()));
        }
        (Some(_), None) if wanted => {
            result.refusal.clone_from(&link.asker.hello.refusal);
            result.state = Some(if result.refusal.is_some() { State::Skipped } else { State::Waiting });
        }
        (Some(reported), None) => result.stale = reported.left(entry.id()),
    }
    result
}

/// What a removal, enabling or disabling would change, without doing it: the patches as they are.
///
/// # Errors
/// That one of them is not there.
pub fn dry_run(daemon: &Daemon, client: &Client, ids: &[String]) -> Result<Reply, ErrorReply> {
    let snapshot = daemon.keeper.snapshot();
    let mut changed = Changed { revision: snapshot.revision, ..Changed::default() };
    for id in ids {
        let entry = show::find(daemon, client, id)?;
        changed.patches.push(entry.info());
        for link in visible(daemon, client, &[]) {
            let reported = Arc::clone(&link.reported.borrow());
            let Some(state) = reported.find(id) else { continue };
            changed.processes.push(ProcessOutcome {
                process: link.info(),
                patch: PatchRef::clone(&state.patch),
                state: Some(state.state),
                refusal: state.refusal.as_deref().cloned(),
                functions: state.functions,
                stale: state.stale.to_vec(),
                forced: state.forced.as_deref().map(str::to_owned),
                pause_us: 0,
            });
        }
    }
    Ok(Reply::Changed(changed))
}
