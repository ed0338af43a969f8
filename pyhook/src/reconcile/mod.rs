//! The one mechanism: bring modules from what they run now to their target. Import, live add, edit,
//! stacking, removal and undo are all this.
//!
//! [`carry_out`] takes the plans of some modules together: everything is prepared first ([`prepare`]:
//! compile, find all holders, check that what runs is what the plan expects), then stored in one
//! transaction ([`commit`]), which is taken back whole if anything fails. [`graft`] does the same to a
//! module's code before it runs. [`records`] keeps what was replaced; [`audit`] reads what is true.

mod abstracts;
mod annotate;
mod annotations;
mod assign;
mod audit;
mod bind;
mod caches;
mod codes;
mod commit;
mod compiled;
mod edit;
mod elsewhere;
mod execute;
mod failures;
mod frames;
mod graft;
mod held;
mod holders;
mod importers;
mod index;
mod layout;
mod look;
mod member;
mod monitoring;
mod named;
mod observe;
mod prepare;
mod quiesce;
pub mod records;
mod redirect;
mod regenerate;
mod registered;
mod run;
mod running;
mod scope;
mod script;
mod substitute;
mod texts;
mod threading;
mod trampoline;
mod transaction;
mod unwrap;

pub use audit::{audit, report};
pub use edit::examine;
pub use graft::{added, graft};
pub use look::look;
pub use quiesce::{next as next_attempt, tick};
pub use running::{plan as running_plan, with_record};
pub use script::has_begun;

use crate::fault;
use failures::Failure;
use patchctl_protocol::digest::Digest;
use patchctl_protocol::hook::{ModulePlan, Outcome, PlanReply};
use patchctl_protocol::plan::PatchRef;
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use transaction::Transaction;

/// Longest time that the GIL was held in one piece by the last reconcile, in microseconds.
static PAUSE: AtomicU64 = AtomicU64::new(0);

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
    let started = Instant::now();
    let result = change(py, &edit::with_functions(py, &reply.modules));
    PAUSE.store(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
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
        if let Err(Failure { patches, refusal }) = prepare::all(py, std::slice::from_ref(module)) {
            return Some((patches, refusal));
        }
    }
    None
}

fn change(py: Python<'_>, modules: &[ModulePlan]) -> Result<(), Failure> {
    let prepared = prepare::all(py, modules)?;
    let forced = quiesce::check(py, &prepared)?;
    let mut transaction = Transaction::default();
    let keys: Vec<&str> = prepared.iter().map(|module| module.key.as_str()).collect();
    commit::roll_back(py, &keys, &mut transaction)?;
    let changed = store(py, &prepared, &mut transaction)?;
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
    prepared: &[prepare::Prepared<'_, '_>],
    transaction: &mut Transaction,
) -> Result<Vec<(String, records::Record)>, Failure> {
    let mut changed = Vec::new();
    let mut open: Vec<&prepare::Prepared<'_, '_>> = prepared.iter().collect();
    while !open.is_empty() {
        let mut postponed = Vec::new();
        let mut first_failure = None;
        let attempted = open.len();
        for module in open {
            let savepoint = transaction.savepoint();
            match commit::commit(py, module, transaction) {
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

/// Puts all originals back and forgets all records: after a detach.
pub fn withdraw(py: Python<'_>) {
    quiesce::clear(py);
    let keys = records::keys(py);
    let all: Vec<&str> = keys.iter().map(String::as_str).collect();
    if commit::roll_back(py, &all, &mut Transaction::default()).is_err() {
        return;
    }
    for key in keys {
        let name = records::module_of(&key).to_owned();
        let nothing = ModulePlan {
            name,
            digest: Digest::default(),
            applied: Vec::new(),
            skipped: Vec::new(),
            manners: Vec::new(),
            outcome: Outcome::Unchanged,
        };
        let mut transaction = Transaction::default();
        let undone = fault::contained(|| {
            let prepared = prepare::all(py, std::slice::from_ref(&nothing))?;
            let module = prepared.iter().find(|module| module.key == key);
            module.map(|module| commit::commit(py, module, &mut transaction)).transpose()
        });
        if undone.is_some_and(|undone| undone.is_ok_and(|undone| undone.is_some())) {
            drop(records::take(&key));
        }
    }
}

/// A fault of ours or of a patch's own code, with the interpreter's words.
fn refusal(py: Python<'_>, reason: Reason, what: &str, error: &PyErr) -> Refusal {
    let name = error.get_type(py).name().map(|name| name.to_string()).unwrap_or_default();
    Refusal::new(reason, format!("{what}: {name}: {}", error.value(py)))
}
