//! What a patch would do in the linked processes, without doing it. Where a process never asked about a
//! module, its file is looked for in the folders of its `sys.path`.

use super::handled::{internal, refuse, visible};
use super::trial;
use crate::daemon::Daemon;
use crate::planning::{Asker, Original, Planner, locate};
use crate::registry::{Entry, Snapshot};
use crate::server::{Client, Link};
use patchctl_protocol::client::{CheckedModule, ErrorKind, ErrorReply, ProcessOutcome};
use patchctl_protocol::hook::{LoaderKind, ModuleFacts, Outcome, Phase};
use patchctl_protocol::plan::{PatchRef, Plan};
use patchctl_protocol::state::{Reason, Refusal, State};
use std::collections::HashSet;
use std::sync::Arc;

/// The registry as it would be with these patches.
#[must_use]
pub fn with(daemon: &Daemon, new: &[Arc<Entry>]) -> Snapshot {
    let now = daemon.keeper.snapshot();
    let replaced = |entry: &&Arc<Entry>| !new.iter().any(|one| one.id() == entry.id());
    let entries = now.entries.iter().filter(replaced).chain(new).cloned().collect();
    Snapshot::after(None, daemon.access, now.revision + 1, false, entries)
}

/// The module in a process, as the process said or as the folders of its `sys.path` tell.
pub fn facts(link: &Link, module: &str) -> Option<ModuleFacts> {
    link.facts(module).or_else(|| {
        let origin = locate(module, &link.asker.folders)?.to_string_lossy().into_owned();
        Some(ModuleFacts { name: module.to_owned(), origin: Some(origin), ..ModuleFacts::default() })
    })
}

/// What a dry run says about each process.
pub async fn outcomes(daemon: &Arc<Daemon>, client: &Client, new: &[Arc<Entry>]) -> Vec<ProcessOutcome> {
    let snapshot = Arc::new(with(daemon, new));
    let mut outcomes = Vec::new();
    for link in visible(daemon, client, &[]) {
        for entry in new {
            let modules = check(daemon, &link, &snapshot, entry).await.unwrap_or_default();
            outcomes.push(outcome(&link, entry, modules));
        }
    }
    outcomes
}

fn outcome(link: &Link, entry: &Entry, modules: Vec<CheckedModule>) -> ProcessOutcome {
    let plans = || modules.iter().filter_map(|module| module.plan.as_ref());
    let refusal = modules.iter().find_map(|module| module.refusal.clone());
    let functions = plans().map(|plan| plan.functions.len() + plan.steps.len() + edited(plan)).sum::<usize>();
    let state = match () {
        () if refusal.is_some() => State::Skipped,
        () if plans().next().is_some() => State::Active,
        () => State::Waiting,
    };
    ProcessOutcome {
        process: link.info(),
        patch: PatchRef::clone(&entry.reference),
        state: Some(state),
        functions: u32::try_from(functions).unwrap_or(u32::MAX),
        stale: plans().flat_map(|plan| plan.stale.iter().cloned()).collect(),
        refusal,
        forced: None,
        pause_us: 0,
    }
}

/// How many functions nothing but edits change.
fn edited(plan: &Plan) -> usize {
    let planned = |name: &&String| plan.functions.iter().any(|change| change.qualname == **name);
    let names: HashSet<&String> = plan.edits.iter().map(|edit| &edit.function.qualname).collect();
    names.iter().filter(|name| !planned(name)).count()
}

/// What a patch would do in each of its modules, in one process.
///
/// # Errors
/// That the daemon failed.
pub async fn check(
    daemon: &Arc<Daemon>,
    link: &Arc<Link>,
    snapshot: &Arc<Snapshot>,
    entry: &Arc<Entry>,
) -> Result<Vec<CheckedModule>, ErrorReply> {
    let planner = Arc::clone(&daemon.planner);
    let all = (Arc::clone(link), Arc::clone(snapshot), Arc::clone(entry));
    let work = move || {
        let (link, snapshot, entry) = all;
        let names = entry.patch.iter().flat_map(|patch| patch.modules.clone());
        names.map(|name| check_module(&planner, &link, &snapshot, &entry, &name)).collect::<Vec<_>>()
    };
    let mut modules = tokio::task::spawn_blocking(work).await.map_err(internal)?;
    for checked in &mut modules {
        trial::attempt(&daemon.planner, link, snapshot, entry, checked).await;
    }
    Ok(modules)
}

fn check_module(
    planner: &Planner,
    link: &Link,
    snapshot: &Snapshot,
    entry: &Entry,
    name: &str,
) -> CheckedModule {
    let mut checked =
        CheckedModule { module: name.to_owned(), file: None, refusal: None, notes: Vec::new(), plan: None };
    let view = snapshot.view(link.asker.process.uid);
    let selection = planner.selection(&view, &link.asker);
    let entries = selection.of_module(name);
    let skipped = |selection: &crate::planning::Selection<'_>| {
        selection
            .skipped(name)
            .into_iter()
            .find(|skipped| skipped.patch.id == entry.id())
            .map(|one| one.refusal)
    };
    checked.refusal = skipped(&selection).or_else(|| link.asker.hello.refusal.clone());
    let new = entry.patch.as_ref().is_some_and(|patch| patch.new_module(name).is_some());
    let found = facts(link, name).or_else(|| new.then(|| unknown(name)));
    let Some(found) = found else {
        let detail = format!("there is no source file of {name} in the folders of its sys.path");
        checked.refusal.get_or_insert(Refusal::new(Reason::TargetNotFound, detail));
        return checked;
    };
    checked.file.clone_from(&found.origin);
    let phase = if matches!(found.loader, LoaderKind::Source) && found.origin.is_none() {
        Phase::Import
    } else {
        Phase::Live
    };
    let work = planner.work(ModuleFacts { running: None, ..found }, phase, &link.asker, &view);
    if let Some(target) = planner.target(&work, &entries) {
        checked.notes.clone_from(&target.notes);
    }
    let (outcome, refused) = planner.module(&work, &entries, phase);
    let refused = refused.into_iter().find(|(id, _)| id == entry.id()).map(|(_, refusal)| refusal);
    checked.refusal = checked.refusal.or(refused);
    match outcome {
        Outcome::Plan(plan) if checked.refusal.is_none() => checked.plan = Some(*plan),
        Outcome::NeedsSource => {
            let detail = format!("only the process itself has the source of {name}");
            checked.notes.push(detail);
        }
        _ => {}
    }
    checked
}

fn unknown(name: &str) -> ModuleFacts {
    ModuleFacts { name: name.to_owned(), ..ModuleFacts::default() }
}

/// Refuses patches that would fit alone but not beside the others, where sources of linked processes are
/// known.
///
/// # Errors
/// Which patch, which module, and why.
pub async fn refuse_conflicts(daemon: &Arc<Daemon>, new: &[Arc<Entry>]) -> Result<(), ErrorReply> {
    let now = daemon.keeper.snapshot();
    let beside = |name: &String| {
        let others = now.entries.iter().filter(|entry| !new.iter().any(|one| one.id() == entry.id()));
        others.filter_map(|entry| entry.in_effect()).any(|patch| patch.modules.contains(name))
    };
    let modules: Vec<(Arc<Entry>, String)> = new
        .iter()
        .flat_map(|entry| {
            entry.patch.iter().flat_map(|patch| &patch.modules).map(|name| (Arc::clone(entry), name.clone()))
        })
        .filter(|(_, name)| beside(name))
        .collect();
    if modules.is_empty() {
        return Ok(());
    }
    let snapshot = with(daemon, new);
    let daemon = Arc::clone(daemon);
    let search = move || {
        let mut seen = HashSet::new();
        let links = daemon.links.all();
        let pairs = links.iter().flat_map(|link| modules.iter().map(move |module| (link, module)));
        pairs.into_iter().find_map(|(link, (entry, name))| {
            let found = facts(link, name)?;
            if !seen.insert((found.origin.clone(), name.clone())) {
                return None;
            }
            conflict(&daemon.planner, &link.asker, &snapshot, entry, found)
        })
    };
    match tokio::task::spawn_blocking(search).await.map_err(internal)? {
        None => Ok(()),
        Some((id, refusal)) => {
            let mut error = refuse(
                ErrorKind::Conflict,
                format!("patch {id} does not fit beside the others: {}", refusal.detail),
                Reason::Conflict.next_step(),
            );
            error.reason = Some(Reason::Conflict);
            Err(error)
        }
    }
}

fn conflict(
    planner: &Planner,
    asker: &Asker,
    snapshot: &Snapshot,
    entry: &Arc<Entry>,
    facts: ModuleFacts,
) -> Option<(String, Refusal)> {
    let view = snapshot.view(asker.process.uid);
    let name = facts.name.clone();
    let work = planner.work(ModuleFacts { running: None, ..facts }, Phase::Live, asker, &view);
    if !matches!(work.original, Original::Text(_)) {
        return None;
    }
    let together = planner.target(&work, &planner.selection(&view, asker).of_module(&name))?;
    let refusal = together.skipped.iter().find(|(id, _)| id == entry.id())?.1.clone();
    let alone = planner.target(&work, std::slice::from_ref(entry))?;
    alone.skipped.is_empty().then(|| (entry.id().to_owned(), refusal))
}
