//! Where definitions stand beside their names: decorators put functions into tables and lists, bases keep their
//! subclasses. What a patch adds there goes with it, and what takes another's place takes it there too.
//!
//! The garbage collector tells who holds them: one pass before the steps, one after, and only where a step makes
//! or removes such a definition.

use super::executor::Executor;
use super::slot::Slot;
use super::transaction::{Purpose, Transaction};
use super::{holders, scope, unwrap};
use crate::interpreter;
use patchctl_protocol::plan::{Action, Plan, Step};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet, PyType};

/// A place where an object stands.
struct Entry<'py> {
    container: Bound<'py, PyAny>,
    /// Of a table.
    key: Option<Bound<'py, PyAny>>,
    object: Bound<'py, PyAny>,
}

/// The definitions that steps replace or remove, and where they stand.
pub struct Before<'py> {
    /// By the number of the step.
    old: Vec<(usize, Vec<Bound<'py, PyAny>>)>,
    entries: Vec<Entry<'py>>,
}

fn registering(content: &Plan) -> impl Iterator<Item = (usize, &Step)> {
    content.steps.iter().enumerate().filter(|(_, step)| step.registers)
}

impl<'py> Executor<'_, 'py, '_> {
    /// Looks where the definitions stand that steps are to replace or remove.
    pub(super) fn registered_before(&self, py: Python<'py>) -> PyResult<Option<Before<'py>>> {
        if registering(self.content).next().is_none() {
            return Ok(None);
        }
        let old: Vec<_> = registering(self.content).map(|(at, step)| (at, self.forms(step))).collect();
        let all: Vec<_> = old.iter().flat_map(|(_, forms)| forms.clone()).collect();
        Ok(Some(Before { old, entries: entries(py, &all)? }))
    }

    /// Notes where new definitions stand, so that they go with the patch; takes out those that are gone.
    pub(super) fn registered_after(
        &self,
        py: Python<'py>,
        before: &Before<'py>,
        transaction: &mut Transaction,
    ) -> PyResult<()> {
        let made = registering(self.content).filter(|(_, step)| step.action == Action::Execute);
        let made: Vec<_> = made.map(|(at, step)| (at, step, self.forms(step))).collect();
        let all: Vec<_> = made.iter().flat_map(|(_, _, forms)| forms.clone()).collect();
        let after = entries(py, &all)?;
        for (at, step, forms) in &made {
            let purpose = Purpose::kept(&self.module.key, "", &step.patches);
            for entry in after.iter().filter(|entry| forms.iter().any(|form| form.is(&entry.object))) {
                before.settle(*at, entry, purpose, transaction, py)?;
            }
        }
        for (at, step) in registering(self.content).filter(|(_, step)| step.action == Action::Delete) {
            let purpose = Purpose::kept(&self.module.key, "", &step.patches);
            for entry in before.of(at) {
                transaction.put(py, purpose, entry.slot(None), None)?;
            }
        }
        forget_dispatched(&self.module.namespace)
    }

    /// What the names of a step are bound to, and the functions within.
    fn forms(&self, step: &Step) -> Vec<Bound<'py, PyAny>> {
        let mut found: Vec<Bound<'py, PyAny>> = Vec::new();
        for name in &step.binds {
            let Some(value) = scope::lookup(&self.module.namespace, &step.scope, name) else { continue };
            let within = unwrap::function(&value, &step.label(name)).ok().flatten();
            let plain = holders::plain_function(&value);
            for form in [Some(value), within, plain].into_iter().flatten() {
                let known = found.iter().any(|other| other.is(&form));
                if !known && (form.is_instance_of::<PyType>() || form.is_callable()) {
                    found.push(form);
                }
            }
        }
        found
    }
}

impl<'py> Before<'py> {
    /// Where the definitions stood that a step replaces or removes.
    fn of(&self, step: usize) -> impl Iterator<Item = &Entry<'py>> {
        let forms = self.old.iter().find(|(at, _)| *at == step).map(|(_, forms)| forms.as_slice());
        let forms = forms.unwrap_or_default();
        self.entries.iter().filter(move |entry| forms.iter().any(|form| form.is(&entry.object)))
    }

    /// A new definition stands somewhere: where the one before it stood, or anew.
    fn settle(
        &self,
        step: usize,
        entry: &Entry<'py>,
        purpose: Purpose<'_>,
        transaction: &mut Transaction,
        py: Python<'py>,
    ) -> PyResult<()> {
        let same = |other: &&Entry<'py>| {
            let keys = match (&other.key, &entry.key) {
                (Some(one), Some(other)) => one.is(other) || one.eq(other).unwrap_or(false),
                (None, None) => true,
                _ => false,
            };
            keys && other.container.is(&entry.container)
        };
        let there = self.of(step).find(same);
        if there.is_some_and(|there| there.object.is(&entry.object)) {
            return Ok(());
        }
        if let (Some(there), None) = (there, &entry.key) {
            // It was added behind the old one, whose place it takes.
            entry.slot(None).write(py, None)?;
            return transaction.put(py, purpose, entry.slot(Some(there)), Some(entry.object.clone()));
        }
        let old = there.map(|there| there.object.clone());
        transaction.note(purpose, entry.slot(None), old, Some(entry.object.clone()));
        Ok(())
    }
}

impl Entry<'_> {
    /// The place as one that can be stored into; in a list that of either object.
    fn slot(&self, other: Option<&Entry<'_>>) -> Slot {
        let container = self.container.clone().unbind();
        match &self.key {
            Some(key) => Slot::Item(container, key.clone().unbind()),
            None => {
                let objects = [Some(self), other].into_iter().flatten();
                Slot::Member(container, objects.map(|entry| entry.object.clone().unbind()).collect())
            }
        }
    }
}

/// The tables, lists and sets of the application that hold some objects.
fn entries<'py>(py: Python<'py>, objects: &[Bound<'py, PyAny>]) -> PyResult<Vec<Entry<'py>>> {
    let mut found = Vec::new();
    if objects.is_empty() {
        return Ok(found);
    }
    let is_one = |value: &Bound<'py, PyAny>| objects.iter().any(|object| object.is(value));
    for holder in interpreter::referrers(py, objects)?.iter() {
        if let Ok(table) = holder.cast_exact::<PyDict>() {
            if is_namespace(table)? {
                continue;
            }
            for (key, object) in table.iter().filter(|(_, value)| is_one(value)) {
                found.push(Entry { container: holder.clone(), key: Some(key), object });
            }
        } else if let Ok(list) = holder.cast_exact::<PyList>() {
            let members = list.iter().filter(is_one);
            found.extend(members.map(|object| Entry { container: holder.clone(), key: None, object }));
        } else if let Ok(set) = holder.cast_exact::<PySet>() {
            let members = set.iter().filter(is_one);
            found.extend(members.map(|object| Entry { container: holder.clone(), key: None, object }));
        }
    }
    Ok(found)
}

/// Whether a table is that of a module, of a class or of a function, whose names are bound by statements.
fn is_namespace(table: &Bound<'_, PyDict>) -> PyResult<bool> {
    for name in ["__builtins__", "__spec__", "__module__", "__wrapped__", "__qualname__"] {
        if table.contains(name)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Generic functions remember what they chose (`functools.singledispatch`).
pub fn forget_dispatched(namespace: &Bound<'_, PyDict>) -> PyResult<()> {
    for value in namespace.values().iter() {
        forget(&value)?;
        let Ok(class) = value.cast_into::<PyType>() else { continue };
        for name in scope::names(&class) {
            let value = scope::attribute(&class, &name);
            if let Some(dispatcher) = value.and_then(|value| holders::stored(&value, "dispatcher")) {
                forget(&dispatcher)?;
            }
        }
    }
    Ok(())
}

fn forget(value: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = value.py();
    if !interpreter::is_function(value)? {
        return Ok(());
    }
    let own = value.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
    match (own.get_item(intern!(py, "_clear_cache"))?, own.contains(intern!(py, "registry"))?) {
        (Some(clear), true) => clear.call0().map(drop),
        _ => Ok(()),
    }
}
