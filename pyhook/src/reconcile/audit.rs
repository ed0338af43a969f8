//! What is true here: reports made from records, and audits read from the live functions and namespaces.

use super::observe::Sight;
use super::record::{Body, CacheRecord};
use super::snapshot::{Seen, Snapshot, seen, snapshots};
use super::{caches, carry_out, elsewhere, failures, quiesce, records, scope, script};
use crate::{desired, fault, interpreter, modules};
use patchctl_protocol::hook::{FunctionReport, Left, ModuleReport, PatchReport, Report};
use patchctl_protocol::plan::{PatchRef, Stale};
use patchctl_protocol::state::{Reason, Refusal, State};
use pyo3::prelude::*;
use std::collections::BTreeMap;

/// What was applied, as recorded: after each reconcile.
pub fn report(py: Python<'_>) -> Report {
    build(py, snapshots(py), &|_, snapshot| recorded(snapshot))
}

/// What is true, read from the live functions at this moment.
pub fn audit(py: Python<'_>) -> Report {
    let snapshots = snapshots(py);
    let Ok(sight) = Sight::of(py, &snapshots) else {
        return build(py, snapshots, &|_, snapshot| recorded(snapshot));
    };
    build(py, snapshots, &|key, snapshot| {
        sight.observe(py, key, snapshot).unwrap_or_else(|_| recorded(snapshot))
    })
}

fn build(
    py: Python<'_>,
    snapshots: Vec<(String, Snapshot)>,
    look: &dyn Fn(&str, &Snapshot) -> Vec<Seen>,
) -> Report {
    let mut patches: BTreeMap<PatchRef, PatchReport> = BTreeMap::new();
    let mut left: Vec<Left> = Vec::new();
    for (name, mut snapshot) in snapshots {
        if modules::namespace(py, records::module_of(&name)).is_none() {
            // Its import failed, or it was taken out of `sys.modules`: it comes with its patches again.
            continue;
        }
        let settled = snapshot.caches.iter().filter(|cache| !caches::is_stale(py, cache));
        let settled: Vec<usize> = settled.map(|cache| cache.cache.as_ptr() as usize).collect();
        drop(records::forget_caches(py, &name, &settled));
        snapshot.caches.retain(|cache| !settled.contains(&(cache.cache.as_ptr() as usize)));
        snapshot.stale.extend(elsewhere::stale(py, &name));
        let seen = look(&name, &snapshot);
        for (patch, since) in &snapshot.since {
            let entry =
                patches.entry(patch.clone()).or_insert_with(|| PatchReport::empty(patch, State::Active));
            entry.since = Some(entry.since.map_or(*since, |earlier: f64| earlier.min(*since)));
            let forced = snapshot.forced.iter().find(|(forced, _)| forced == patch);
            entry.forced = entry.forced.take().or_else(|| forced.map(|(_, holder)| holder.clone()));
            entry.modules.push(module_report(&name, patch, &seen, &snapshot));
        }
        let by = snapshot.left.iter().filter(|_| !snapshot.stale.is_empty());
        left.extend(by.map(|patch| left_by(&name, patch, &snapshot)));
        for body in &snapshot.bodies {
            let entry = patches.entry(body.patch.clone());
            let entry = entry.or_insert_with(|| PatchReport::empty(&body.patch, State::Failed));
            entry.refusal.get_or_insert_with(stays);
            entry.modules.push(left_behind(py, &name, body));
        }
        for skipped in &snapshot.skipped {
            let entry = patches
                .entry(skipped.patch.clone())
                .or_insert_with(|| PatchReport::empty(&skipped.patch, skipped.state));
            entry.refusal.get_or_insert_with(|| skipped.refusal.clone());
        }
    }
    for failed in failures::all() {
        if failed.modules.iter().any(|module| desired::names(module)) {
            let mut report = PatchReport::empty(&failed.patch, failed_state(&failed.refusal));
            report.refusal = Some(failed.refusal);
            patches.insert(failed.patch, report);
        }
    }
    for (patch, refusal) in waiting() {
        let mut report = PatchReport::empty(&patch, State::Waiting);
        report.refusal = Some(refusal);
        patches.insert(patch, report);
    }
    let mut patches: Vec<PatchReport> = patches.into_values().collect();
    patches.iter_mut().for_each(settle);
    for report in &mut patches {
        if let Some(why) = failures::why_kept(&report.patch) {
            let detail = format!("it can't be taken out: {}", why.detail);
            (report.state, report.refusal) = (State::Failed, Some(Refusal { detail, ..why }));
        }
    }
    let revision = desired::with(|known| known.revision);
    Report {
        revision,
        patches,
        pause_us: carry_out::take_pause(),
        disabled: fault::first(),
        subinterpreters: interpreter::has_subinterpreters(),
        left,
    }
}

/// Why a patch that edited a body is not gone when it is taken out.
fn stays() -> Refusal {
    let detail = "it can't be taken out: what a body that it edited computed when it ran stays";
    Refusal::new(Reason::UnsupportedChange, detail)
}

/// What a patch leaves behind in a module by having edited a body of it.
fn left_behind(py: Python<'_>, key: &str, body: &Body) -> ModuleReport {
    let name = records::module_of(key);
    let namespace = modules::namespace(py, name);
    let file = namespace.and_then(|namespace| scope::text(&namespace, "__file__"));
    let because = "an edit of its body, which has run".to_owned();
    let stale = Stale { name: body.qualname.clone(), line: body.line, because, file };
    ModuleReport { name: key.to_owned(), state: State::Failed, functions: Vec::new(), stale: vec![stale] }
}

/// What a patch leaves behind in a module that was imported with it.
fn left_by(key: &str, patch: &PatchRef, snapshot: &Snapshot) -> Left {
    Left { patch: patch.clone(), module: key.to_owned(), stale: snapshot.stale.clone() }
}

/// The patches that wait for their moment, and what for.
fn waiting() -> Vec<(PatchRef, Refusal)> {
    let quiet = quiesce::all().into_iter();
    let quiet = quiet.map(|(patch, modules, holder)| (patch, modules, Refusal::new(Reason::InUse, holder)));
    let script = script::waiting().into_iter();
    let script =
        script.map(|(patch, module, detail)| (patch, vec![module], Refusal::new(Reason::NotDefined, detail)));
    let wanted =
        quiet.chain(script).filter(|(_, modules, _)| modules.iter().any(|name| desired::names(name)));
    wanted.map(|(patch, _, refusal)| (patch, refusal)).collect()
}

/// A guard that did not hold is a skip; what broke while it was applied is a failure.
fn failed_state(refusal: &Refusal) -> State {
    use Reason as R;
    match refusal.reason {
        R::Internal
        | R::Raised
        | R::SyntaxError
        | R::VerifyFailed
        | R::UnsupportedChange
        | R::KindChanged => State::Failed,
        _ => State::Skipped,
    }
}

/// A patch is what its functions are: drifted if one is, draining if one is.
fn settle(patch: &mut PatchReport) {
    for module in &mut patch.modules {
        for state in [State::Draining, State::Drifted] {
            if module.functions.iter().any(|function| function.state == state) {
                module.state = state;
            }
        }
    }
    for state in [State::Draining, State::Drifted] {
        if patch.state == State::Active && patch.modules.iter().any(|module| module.state == state) {
            patch.state = state;
        }
    }
}

fn module_report(name: &str, patch: &PatchRef, seen: &[Seen], snapshot: &Snapshot) -> ModuleReport {
    let own = seen.iter().filter(|seen| seen.patches.is_empty() || seen.patches.contains(&patch.id));
    let mut functions: Vec<FunctionReport> = own.map(|seen| seen.report.clone()).collect();
    functions.dedup_by(|one, other| one.name == other.name);
    let of_patch = |cache: &&CacheRecord| cache.patches.is_empty() || cache.patches.contains(&patch.id);
    let caches = snapshot.caches.iter().filter(of_patch);
    let stale = snapshot.stale.iter().chain(caches.map(|cache| &cache.stale)).cloned().collect();
    ModuleReport { name: name.to_owned(), state: State::Active, functions, stale }
}

/// As recorded: everything is what it was made.
fn recorded(snapshot: &Snapshot) -> Vec<Seen> {
    let codes = snapshot.codes.iter().filter(|code| code.outermost);
    let codes = codes.map(|code| (code.qualname.clone(), code.patches.clone()));
    let values = snapshot.stored.iter().map(|value| (value.label.clone(), value.patches.clone()));
    let all = codes.chain(values).chain(snapshot.imported.iter().cloned());
    all.map(|(name, patches)| Seen { report: seen(name, State::Active, 0), patches }).collect()
}
