//! Star imports: what one brings, told by executing it, and who has one of a module whose names come or go.

use super::executor::Executor;
use super::exports::{exported, names, sharing};
use super::failures::Failure;
use super::importers::Imports;
use super::prepare::Prepared;
use super::slot::Slot;
use super::texts::Imported;
use super::transaction::{Purpose, Stored, Transaction};
use super::{refusal, scope};
use patchctl_protocol::plan::Step;
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::collections::BTreeSet;

impl<'py> Executor<'_, 'py, '_> {
    /// Executes a star import beside the module, and binds what it brings; names that statements behind it bind
    /// keep what they have.
    pub(super) fn import_star(
        &mut self,
        py: Python<'py>,
        step: &Step,
        code: &Bound<'py, PyAny>,
        behind: &[String],
        transaction: &mut Transaction,
    ) -> Result<(), Refusal> {
        let internal = |error: PyErr| refusal(py, Reason::Internal, "binding what was imported", &error);
        let brought = PyDict::new(py);
        self.run(py, code, &[], &brought)?;
        for (key, value) in brought.iter() {
            let name: String = key.extract().map_err(internal)?;
            let before = self.module.namespace.get_item(&name).map_err(internal)?;
            let same = before.as_ref().is_some_and(|before| before.is(&value));
            if same || before.is_some() && behind.contains(&name) {
                continue;
            }
            let purpose = Purpose::kept(&self.module.key, &name, &step.patches);
            self.bind(py, purpose, &[], &name, Some(value.clone()), transaction)?;
            if let Some(before) = before {
                self.propagate(py, &name, (&before, &value), step, transaction).map_err(internal)?;
            }
        }
        Ok(())
    }
}

/// Brings names that came to changed modules to those which import everything from them, and takes away there
/// what went.
pub fn spread(
    py: Python<'_>,
    (prepared, imports): (&[Prepared<'_, '_>], &Imports),
    transaction: &mut Transaction,
) -> Result<(), Failure> {
    let result = prepared.iter().try_for_each(|module| {
        let mut seen = Vec::new();
        from(py, (module, imports), &module.namespace, &mut seen, transaction)
    });
    result.map_err(|error| {
        transaction.revert_to(py, 0);
        Failure::new(&[], refusal(py, Reason::Internal, "looking for star imports", &error))
    })
}

fn from<'py>(
    py: Python<'py>,
    (module, known): (&Prepared<'py, '_>, &Imports),
    giver: &Bound<'py, PyDict>,
    seen: &mut Vec<Bound<'py, PyDict>>,
    transaction: &mut Transaction,
) -> PyResult<()> {
    seen.push(giver.clone());
    let (came, went) = came_and_went(giver, transaction)?;
    if came.is_empty() && went.is_empty() {
        return Ok(());
    }
    let patches: Vec<String> = module.plan.applied.iter().map(|patch| patch.id.clone()).collect();
    for (taker, key, imports) in takers(giver, &went, known)? {
        let mut changes: Vec<(&String, Option<Bound<'py, PyAny>>)> = Vec::new();
        for name in &came {
            if !taker.contains(name)? {
                changes.push((name, giver.get_item(name)?));
            }
        }
        for (name, before) in &went {
            let by_name = imports.iter().any(|one| one.alias == *name);
            if !by_name && taker.get_item(name)?.is_some_and(|value| value.is(before)) {
                changes.push((name, None));
            }
        }
        for (name, value) in changes {
            let label = format!("{key}:{name}");
            let purpose = Purpose::kept(&module.key, &label, &patches);
            let slot =
                Slot::Item(taker.clone().into_any().unbind(), PyString::new(py, name).into_any().unbind());
            transaction.put(py, purpose, slot, value)?;
        }
        if !seen.iter().any(|other| other.is(&taker)) {
            from(py, (module, known), &taker, seen, transaction)?;
        }
    }
    Ok(())
}

/// Names, and those that are gone with the values that they had.
type CameAndWent<'py> = (BTreeSet<String>, Vec<(String, Bound<'py, PyAny>)>);

/// Who has a star import: namespace, name, and all that its text imports.
type Taker<'py> = (Bound<'py, PyDict>, String, Vec<Imported>);

/// The names that came to what a namespace exports, and the names that went.
fn came_and_went<'py>(giver: &Bound<'py, PyDict>, transaction: &Transaction) -> PyResult<CameAndWent<'py>> {
    let py = giver.py();
    let (mut came, mut went) = (BTreeSet::new(), Vec::new());
    let of = |stored: &Stored| {
        let Slot::Item(container, key) = &stored.slot else { return None };
        let name = key.extract::<String>(py).ok().filter(|_| container.is(giver))?;
        Some((name, stored.before.as_ref().map(|value| value.bind(py).clone())))
    };
    let stores: Vec<_> = transaction.stored().iter().filter_map(of).collect();
    if stores.is_empty() {
        return Ok((came, went));
    }
    let now = exported(giver)?;
    let all = stores.iter().rev().find(|(name, _)| name == "__all__");
    if let Some((_, Some(before))) = all {
        let before: BTreeSet<String> = names(before)?;
        came.extend(now.difference(&before).cloned());
        for name in before.difference(&now) {
            went.extend(giver.get_item(name)?.map(|value| (name.clone(), value)));
        }
    }
    for (name, before) in stores {
        match before {
            None if now.contains(&name) && giver.contains(&name)? => drop(came.insert(name)),
            Some(before) if !giver.contains(&name)? => went.push((name, before)),
            _ => {}
        }
    }
    Ok((came, went))
}

/// The other modules whose text has a star import of a module.
fn takers<'py>(
    giver: &Bound<'py, PyDict>,
    went: &[(String, Bound<'py, PyAny>)],
    known: &Imports,
) -> PyResult<Vec<Taker<'py>>> {
    let Some(name) = scope::text(giver, "__name__") else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (key, other) in sharing(giver, went)? {
        let imports = known.of(&other).into_owned();
        if imports.iter().any(|one| one.name == "*" && one.module == name) {
            found.push((other, key, imports));
        }
    }
    Ok(found)
}
