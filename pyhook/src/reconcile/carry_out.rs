//! Carrying out a reply of the daemon's: the plans of some modules together, prepared, stored in one transaction,
//! and recorded; or taken back whole.

use super::failures::{self, Failure};
use super::importers::Imports;
use super::prepare::{self, Prepared};
use super::record::Record;
use super::skeletons::Skeletons;
use super::transaction::Transaction;
use super::{caches, checks, commit, edit, quiesce, records, script, stars, trampoline};
use crate::{fault, interpreter};
use patchctl_protocol::hook::{ModulePlan, Outcome, PlanReply};
use patchctl_protocol::plan::PatchRef;
use patchctl_protocol::state::Refusal;
use pyo3::prelude::*;
use pyo3::types::{PyModule, PyType};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Longest time that the GIL was held in one piece by the last reconcile, in microseconds.
static PAUSE: AtomicU64 = AtomicU64::new(0);

/// Takes that time, in microseconds.
pub fn take_pause() -> u64 {
    PAUSE.swap(0, Ordering::Relaxed)
}

/// What came of a reply.
pub enum Verdict {
    Done,
    /// A patch failed and is excluded: plan again without it.
    Replan,
    /// The script's body has still to come to what changes: look again later.
    Early,
    /// The daemon can't read the sources of these modules.
    NeedSource(Vec<String>),
}

/// The patches to plan without.
pub fn excluded() -> Vec<PatchRef> {
    [failures::excluded(), quiesce::excluded()].concat()
}

/// The patch sets of these modules changed: what failed or waits there is tried again.
pub fn forget(modules: &[String]) {
    failures::forget(modules);
    quiesce::forget(modules);
    records::outdate_modules(modules);
}

/// Carries out the plans of some modules, all or nothing.
pub fn carry_out(py: Python<'_>, reply: &PlanReply) -> Verdict {
    let unread = reply.modules.iter().filter(|module| matches!(module.outcome, Outcome::NeedsSource));
    let unread: Vec<String> = unread.map(|module| module.name.clone()).collect();
    if !unread.is_empty() {
        return Verdict::NeedSource(unread);
    }
    if failures::exclude_partial(&reply.modules) {
        return Verdict::Replan;
    }
    if script::is_before(py, &reply.modules) {
        return Verdict::Early;
    }
    let imports = Imports::read_ahead(py, &reply.modules);
    let skeletons = Skeletons::ahead(py, &reply.modules);
    let started = Instant::now();
    let result = change_all(py, &edit::with_functions(py, &reply.modules), (&imports, &skeletons));
    let longest = started.elapsed().max(skeletons.longest);
    PAUSE.store(u64::try_from(longest.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    match result {
        Ok(()) => Verdict::Done,
        Err(failure) if quiesce::is_wait(&failure) => Verdict::Replan,
        Err(failure) if failures::exclude(&failure, &reply.modules) => Verdict::Replan,
        Err(failure) => {
            failures::keep(&failure, &reply.modules);
            Verdict::Done
        }
    }
}

/// Whether a module's plan could be carried out: everything is prepared, and nothing stored. Why it can't, and
/// for which patches.
pub fn attempt(py: Python<'_>, module: ModulePlan) -> Option<(Vec<String>, Refusal)> {
    for module in edit::with_functions(py, &[module]).iter() {
        if let Err(Failure { patches, refusal }) =
            prepare::all(py, std::slice::from_ref(module), &Skeletons::default())
        {
            return Some((patches, refusal));
        }
    }
    None
}

/// Changes the modules; once more after a collection where only garbage may stand in the way.
fn change_all<'py>(
    py: Python<'py>,
    modules: &[ModulePlan],
    ahead: (&Imports, &Skeletons<'py, '_>),
) -> Result<(), Failure> {
    match change(py, modules, ahead) {
        Err(failure) if trampoline::may_be_about_garbage(&failure.refusal) => {
            match py.import("gc").and_then(|gc| gc.call_method0("collect")) {
                Ok(_) => change(py, modules, ahead),
                Err(_) => Err(failure),
            }
        }
        result => result,
    }
}

fn change<'py>(
    py: Python<'py>,
    modules: &[ModulePlan],
    (imports, skeletons): (&Imports, &Skeletons<'py, '_>),
) -> Result<(), Failure> {
    let prepared = prepare::all(py, modules, skeletons)?;
    let forced = quiesce::check(py, &prepared)?;
    let mut transaction = Transaction::default();
    let keys: Vec<&str> = prepared.iter().map(|module| module.key.as_str()).collect();
    commit::roll_back(py, &keys, &mut transaction)?;
    let changed = store(py, (&prepared, imports), &mut transaction)?;
    stars::spread(py, (&prepared, imports), &mut transaction)?;
    // Answers that are not forgotten are no reason to leave a hole open.
    fault::contained(|| checks::forget(py, &transaction).ok());
    let covered = records::uncover(py, &keys);
    for (key, mut record) in changed {
        let of_record = |(patch, _): &&(PatchRef, String)| record.applied.contains(patch);
        let forced: Vec<_> = forced.iter().filter(of_record).cloned().collect();
        record.forced.extend(forced);
        record.stored = transaction.take_of(&key);
        let before = records::take(&key);
        fault::contained(|| caches::settle(py, before.as_ref(), &mut record));
        drop(records::put(&key, record));
    }
    drop(covered);
    Ok(())
}

/// Stores all modules' changes. A module may import what another one gets only now, so one that fails is
/// tried again after the others, as long as any of them succeeds.
fn store(
    py: Python<'_>,
    (prepared, imports): (&[Prepared<'_, '_>], &Imports),
    transaction: &mut Transaction,
) -> Result<Vec<(String, Record)>, Failure> {
    let mut changed = Vec::new();
    let mut open = givers_first(prepared);
    while !open.is_empty() {
        let mut postponed = Vec::new();
        let mut first_failure = None;
        let attempted = open.len();
        for module in open {
            let savepoint = transaction.savepoint();
            match commit::commit(py, module, imports, transaction) {
                Ok(record) => changed.push((module.key.clone(), record)),
                Err(failure) => {
                    transaction.revert_to(py, savepoint);
                    postponed.push(module);
                    first_failure.get_or_insert(failure);
                }
            }
        }
        if let Some(failure) = first_failure.filter(|_| postponed.len() == attempted) {
            transaction.revert_to(py, 0);
            return Err(failure);
        }
        open = postponed;
    }
    Ok(changed)
}

/// The modules in such an order that those come first from which others have something: what these compute anew
/// is computed with it. In a ring they stay as they were.
fn givers_first<'a, 'py, 'p>(prepared: &'a [Prepared<'py, 'p>]) -> Vec<&'a Prepared<'py, 'p>> {
    let mut open: Vec<&Prepared<'_, '_>> = prepared.iter().collect();
    if open.len() < 2 {
        return open;
    }
    let takes: HashMap<&str, HashSet<String>> =
        open.iter().map(|module| (module.key.as_str(), sources(module))).collect();
    let mut placed = Vec::with_capacity(open.len());
    while !open.is_empty() {
        let waits = |module: &&Prepared<'_, '_>| {
            let mut others = open.iter().filter(|other| other.plan.name != module.plan.name);
            others.any(|other| takes[module.key.as_str()].contains(&other.plan.name))
        };
        let next = open.iter().position(|module| !waits(module)).unwrap_or(0);
        placed.push(open.remove(next));
    }
    placed
}

/// The names of the modules from which a module has something: themselves, functions or classes.
fn sources(module: &Prepared<'_, '_>) -> HashSet<String> {
    let of = |value: Bound<'_, PyAny>| {
        let attribute = if value.is_instance_of::<PyModule>() {
            "__name__"
        } else if value.is_instance_of::<PyType>() || interpreter::is_function(&value).unwrap_or(false) {
            "__module__"
        } else {
            return None;
        };
        interpreter::text(&value, attribute)
    };
    module.namespace.values().iter().filter_map(of).collect()
}
