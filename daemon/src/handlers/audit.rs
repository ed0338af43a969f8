//! `audit`: asks every process what its live functions are, and says so of those that do not answer.

use super::handled::visible;
use super::list;
use crate::daemon::Daemon;
use crate::server::{Client, Link};
use patchctl_protocol::client::{AuditReply, AuditedProcess, Reply};
use patchctl_protocol::hook::PatchReport;
use patchctl_protocol::plan::PatchRef;
use patchctl_protocol::state::State;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Longest deadline that a client may ask for.
const LONGEST: Duration = Duration::from_secs(300);

pub async fn handle(daemon: &Arc<Daemon>, client: &Client, deadline_ms: u64, pids: &[u32]) -> Reply {
    let deadline = Instant::now() + Duration::from_millis(deadline_ms).min(LONGEST);
    let mut questions = JoinSet::new();
    let snapshot = daemon.keeper.snapshot();
    for link in visible(daemon, client, pids) {
        let told = snapshot.view(link.asker.process.uid).changed_at;
        questions.spawn(ask(link, told, deadline));
    }
    let mut processes: Vec<AuditedProcess> = Vec::new();
    for (link, mut audited) in questions.join_all().await {
        if audited.answered && audited.disabled.is_none() && link.asker.hello.refusal.is_none() {
            audited.patches.extend(unreported(daemon, &link, &audited.patches));
        }
        processes.push(audited);
    }
    processes.sort_by_key(|process| process.process.pid);
    let revision = daemon.keeper.snapshot().revision;
    let patches = list::patches(daemon, client).into_iter();
    let patches = patches.filter(|patch| patch.enabled && !patch.expired).collect();
    Reply::Audit(AuditReply { revision, processes, patches })
}

/// The patches for a process that its hook can't know of, since none of their modules is loaded: waiting, or
/// refused by a guard.
fn unreported(daemon: &Daemon, link: &Link, reported: &[PatchReport]) -> Vec<PatchReport> {
    let view = daemon.keeper.snapshot().view(link.asker.process.uid);
    let selection = daemon.planner.selection(&view, &link.asker);
    let mut found: BTreeMap<PatchRef, PatchReport> = BTreeMap::new();
    for module in view.module_names() {
        for entry in selection.of_module(module) {
            let report = PatchReport::empty(&entry.reference, State::Waiting);
            found.entry(PatchRef::clone(&entry.reference)).or_insert(report);
        }
        for skipped in selection.skipped(module) {
            let mut report = PatchReport::empty(&skipped.patch, skipped.state);
            report.refusal = Some(skipped.refusal);
            found.insert(skipped.patch, report);
        }
    }
    found.retain(|patch, _| !reported.iter().any(|report| report.patch == *patch));
    found.into_values().collect()
}

/// Asks one process, once it has carried out what it was told last, if that comes in time.
async fn ask(link: Arc<Link>, told: u64, deadline: Instant) -> (Arc<Link>, AuditedProcess) {
    let half = Instant::now() + deadline.saturating_duration_since(Instant::now()) / 2;
    let mut reports = link.reported.subscribe();
    tokio::select! {
        _ = timeout_at(half, reports.wait_for(|reported| reported.revision >= told)) => {}
        () = link.closed() => {}
    }
    let reply = match link.audit() {
        Some(answer) => timeout_at(deadline, answer).await.ok().and_then(Result::ok),
        None => None,
    };
    let audited = match reply {
        Some(reply) => AuditedProcess::answered(link.info(), reply),
        None => AuditedProcess::unanswered(link.info()),
    };
    (link, audited)
}
