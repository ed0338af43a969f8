//! Storing: all modules first back to the base, then each forward by its plan. New names and values come in source order;
//! then all functions get their new code in one go; then what is computed by new code; deletions last.

use super::assign;
use super::executor::Executor;
use super::failures::Failure;
use super::importers::Imports;
use super::prepare::Prepared;
use super::record::{Record, Unpatched};
use super::slot::Slot;
use super::templates::Templates;
use super::transaction::{Purpose, Transaction};
use super::{caches, edit, interfaces, records, refusal, registered, threading};
use crate::fault;
use patchctl_protocol::digest::Digest;
use patchctl_protocol::hook::ModulePlan;
use patchctl_protocol::plan::{Action, PatchRef, Plan, Stale, Step};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use std::time::{SystemTime, UNIX_EPOCH};

/// Changes one module; returns its new record, without the stores, which the transaction holds.
pub fn commit(
    py: Python<'_>,
    module: &Prepared<'_, '_>,
    imports: &Imports,
    transaction: &mut Transaction,
) -> Result<Record, Failure> {
    let before = records::take(&module.key);
    let result =
        fault::contained(|| go(py, module, (before.as_ref(), imports), transaction)).unwrap_or_else(|| {
            Err(Failure::new(&[], Refusal::new(Reason::Internal, fault::first().unwrap_or_default())))
        });
    if let Some(before) = before {
        // Replaced by the caller once everything succeeded.
        drop(records::put(&module.key, before));
    }
    result
}

fn go(
    py: Python<'_>,
    module: &Prepared<'_, '_>,
    (before, imports): (Option<&Record>, &Imports),
    transaction: &mut Transaction,
) -> Result<Record, Failure> {
    let mut record = begin(module, before);
    match module.content {
        None => assign::assign(py, module, &Templates::default(), transaction, &mut record)?,
        Some(content) => forward(py, module, (content, imports), transaction, &mut record)?,
    }
    Ok(record)
}

/// Puts back what the records of some modules hold, where nobody else has changed it since: the last store first,
/// since one module's may lie upon another's (who imported a name, and then loses it).
pub fn roll_back(py: Python<'_>, keys: &[&str], transaction: &mut Transaction) -> Result<(), Failure> {
    let put_back = |transaction: &mut Transaction| -> PyResult<()> {
        let mut unregistered = false;
        for stored in records::stored(py, keys) {
            let now = stored.slot.read(py)?;
            let bound = |value: &Option<Py<PyAny>>| value.as_ref().map(|value| value.bind(py).clone());
            let (before, after) = (bound(&stored.before), bound(&stored.after));
            if let Some(value) = stored.slot.without(now.as_ref(), before.as_ref(), after.as_ref())? {
                // A table in which a decorator has registered something.
                unregistered |= stored.label.is_empty() && matches!(stored.slot, Slot::Item(..));
                transaction.put(py, Purpose::passing(), stored.slot, value)?;
            }
        }
        let namespaces = if unregistered { records::namespaces(py, keys) } else { Vec::new() };
        namespaces.iter().try_for_each(registered::forget_dispatched)
    };
    put_back(transaction).map_err(|error| {
        transaction.revert_to(py, 0);
        Failure::new(&[], refusal(py, Reason::Internal, "undoing", &error))
    })
}

fn forward(
    py: Python<'_>,
    module: &Prepared<'_, '_>,
    (content, imports): (&Plan, &Imports),
    transaction: &mut Transaction,
    record: &mut Record,
) -> Result<(), Failure> {
    if !content.steps.is_empty() || content.functions.iter().any(|change| change.source.is_some()) {
        threading::settle(py).map_err(|error| {
            Failure::new(&[], refusal(py, Reason::Internal, "importing threading", &error))
        })?;
    }
    let mut executor = Executor::new(module, content, imports);
    let mut templates = Templates::default();
    let looking =
        |error: PyErr| Failure::new(&[], refusal(py, Reason::Internal, "looking for holders", &error));
    let before = executor.registered_before(py).map_err(looking)?;
    // Definitions and values in source order, so that each finds what it reads.
    let early = content.steps.iter().filter(|step| !step.late && step.action != Action::Delete);
    let mut order: Vec<(u32, Work<'_>)> = early.map(|step| (step.line, Work::Step(step))).collect();
    for (index, change) in content.functions.iter().enumerate() {
        let needed = module.absent[index] || change.source.is_some();
        let needed = needed && !interfaces::is_one(&module.namespace, &change.scope);
        order.extend(needed.then_some((change.new_line, Work::Template(index))));
    }
    order.sort_by_key(|(line, _)| *line);
    for (_, work) in order {
        match work {
            Work::Step(step) => executor.step(py, step, transaction)?,
            Work::Template(index) => executor.template(py, index, transaction, &mut templates)?,
        }
    }
    let mut made = edit::Made::of(content);
    made.edit(module, transaction, record)?;
    assign::assign(py, module, &templates, transaction, record)?;
    for step in content.steps.iter().filter(|step| step.late && step.action != Action::Delete) {
        executor.step(py, step, transaction)?;
    }
    made.edit(module, transaction, record)?;
    made.finish()?;
    for step in content.steps.iter().filter(|step| step.action == Action::Delete) {
        executor.step(py, step, transaction)?;
    }
    if let Some(before) = before {
        executor.registered_after(py, &before, transaction).map_err(looking)?;
    }
    let internal = |refusal| Failure::new(&[], refusal);
    record.codes.extend(executor.redirect(py, transaction).map_err(internal)?);
    executor.class_members(py, transaction).map_err(internal)?;
    record.stale.append(&mut executor.stale);
    Ok(())
}

enum Work<'p> {
    Step(&'p Step),
    Template(usize),
}

fn begin(module: &Prepared<'_, '_>, before: Option<&Record>) -> Record {
    let plan = module.plan;
    let since = before.map(|before| before.since.clone()).unwrap_or_default();
    let base = before.and_then(|before| before.base.clone());
    let original = match (module.content, before) {
        (Some(content), _) => content.original.clone(),
        (None, Some(before)) => before.original.clone(),
        (None, None) => Digest::default(),
    };
    Record {
        namespace: Some(module.namespace.clone().unbind()),
        digest: module.plan.digest.clone(),
        target: module.content.map_or_else(
            || base.clone().unwrap_or_else(|| original.clone()),
            |content| content.target.clone(),
        ),
        original,
        applied: plan.applied.clone(),
        skipped: plan.skipped.clone(),
        since: plan.applied.iter().map(|patch| (patch.clone(), since_when(&since, patch))).collect(),
        imported: before.map(|before| imported(plan, before)).unwrap_or_default(),
        created: before.map(|before| created(plan, before)).unwrap_or_default(),
        unpatched: before.map(|before| unpatched(module.namespace.py(), before)).unwrap_or_default(),
        bodies: before.map(|before| before.bodies.clone()).unwrap_or_default(),
        base,
        stale: stale(module, before),
        begun: before.map(|before| before.begun.clone()).unwrap_or_default(),
        begun_affected: before.map(|before| before.begun_affected.clone()).unwrap_or_default(),
        computed: before.map(|before| before.computed.clone()).unwrap_or_default(),
        live: live(plan, before),
        affected: module.content.map(caches::affected).unwrap_or_default(),
        manners: plan.manners.clone(),
        forced: before.map(|before| still_forced(plan, before)).unwrap_or_default(),
        ..Record::default()
    }
}

/// The patches that were not there when the module was imported.
fn live(plan: &ModulePlan, before: Option<&Record>) -> Vec<PatchRef> {
    let imported = |patch: &&PatchRef| {
        before.is_some_and(|before| before.applied.contains(patch) && !before.live.contains(patch))
    };
    plan.applied.iter().filter(|patch| !imported(patch)).cloned().collect()
}

fn still_forced(plan: &ModulePlan, before: &Record) -> Vec<(PatchRef, String)> {
    before.forced.iter().filter(|(patch, _)| plan.applied.contains(patch)).cloned().collect()
}

/// The plan's stale values and those that patches which are gone computed, with the file that they are from.
fn stale(module: &Prepared<'_, '_>, before: Option<&Record>) -> Vec<Stale> {
    let file = module.namespace.get_item("__file__").ok().flatten();
    let file: Option<String> = file.and_then(|file| file.extract().ok());
    let applies = |id: &String| module.plan.applied.iter().any(|patch| patch.id == *id);
    let computed = before.into_iter().flat_map(|before| &before.computed);
    let left = computed.filter(|computed| !computed.patches.iter().any(applies));
    let stale = module.content.into_iter().flat_map(|content| &content.stale);
    let all = stale.chain(left.map(|computed| &computed.value));
    let own = all.map(|stale| Stale { file: file.clone(), ..stale.clone() });
    own.chain(interfaces::functions(&module.namespace, module.content)).collect()
}

/// What the module was imported with and still has.
fn imported(plan: &ModulePlan, before: &Record) -> Vec<(String, Vec<String>)> {
    let still = |id: &String| {
        before.bodies.iter().any(|body| body.patch.id == *id && plan.applied.contains(&body.patch))
    };
    let kept = |(_, patches): &&(String, Vec<String>)| before.base.is_some() || patches.iter().any(still);
    before.imported.iter().filter(kept).cloned().collect()
}

/// What of that it has only with patches which still apply.
fn created(plan: &ModulePlan, before: &Record) -> Vec<(String, Vec<String>)> {
    let applies = |id: &String| plan.applied.iter().any(|patch| patch.id == *id);
    let kept = before.created.iter().filter(|(_, patches)| patches.iter().any(applies));
    kept.cloned().collect()
}

/// What its functions would be without that.
fn unpatched(py: Python<'_>, before: &Record) -> Vec<Unpatched> {
    before.unpatched.iter().map(|known| known.again(py)).collect()
}

fn since_when(known: &[(PatchRef, f64)], patch: &PatchRef) -> f64 {
    known.iter().find(|(other, _)| other == patch).map_or_else(now, |(_, since)| *since)
}

/// Seconds since the epoch.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_secs_f64()).unwrap_or_default()
}
