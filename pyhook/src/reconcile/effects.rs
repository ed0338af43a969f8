//! What a statement did beside binding the names that its text shows: names bound by way of `globals()` or a
//! function, attributes set on classes and functions (`setattr` in a loop, a call that installs methods), members
//! of tables, lists and sets. Looked for only in the objects that the statement names, and in the containers of
//! the module that functions which it names read.

use super::slot::Slot;
use super::transaction::{Purpose, Transaction};
use super::{contents, scope, virtuals};
use crate::interpreter;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyType};
use std::collections::HashSet;

/// Names that statements write for the interpreter, and that are noted elsewhere.
const INTERNAL: [&str; 6] = [
    "__annotations__",
    "__annotate__",
    "__annotate_func__",
    "__builtins__",
    "__conditional_annotations__",
    "__warningregistry__",
];

/// Some objects as they were.
pub struct Effects<'py> {
    /// The namespace, and attributes of functions.
    tables: Vec<(Bound<'py, PyDict>, Bound<'py, PyDict>)>,
    classes: Vec<(Bound<'py, PyType>, Bound<'py, PyDict>)>,
    containers: Vec<(Slot, Option<Bound<'py, PyAny>>)>,
    /// `sys.modules`, where a statement may give loaded modules other names.
    loaded: Option<Bound<'py, PyDict>>,
    /// The classes that are registered with abstract base classes.
    registered: Vec<(Bound<'py, PyType>, Vec<Bound<'py, PyAny>>)>,
    /// What the body of a class has bound.
    locals: Option<Bound<'py, PyDict>>,
}

impl<'py> Effects<'py> {
    /// Keeps what these containers, and the objects with these names, hold.
    ///
    /// # Errors
    /// What copying raises.
    pub fn before(
        namespace: &Bound<'py, PyDict>,
        locals: Option<&Bound<'py, PyDict>>,
        (changed, names): (Vec<Bound<'py, PyAny>>, &[String]),
    ) -> PyResult<Self> {
        let mut kept = Self {
            tables: Vec::new(),
            classes: Vec::new(),
            containers: Vec::new(),
            loaded: None,
            registered: Vec::new(),
            locals: None,
        };
        for object in changed.iter().filter(|object| contents::are_kept(object)) {
            kept.keep(object)?;
        }
        if names.is_empty() {
            return Ok(kept);
        }
        kept.tables.push((namespace.clone(), namespace.copy()?));
        kept.locals = locals.map(|locals| locals.copy()).transpose()?;
        for name in names {
            let local = locals.map(|locals| locals.get_item(name)).transpose()?.flatten();
            let Some(object) = local.map_or_else(|| namespace.get_item(name), |local| Ok(Some(local)))?
            else {
                continue;
            };
            kept.keep(&object)?;
            if name == "sys" {
                kept.loaded = Some(interpreter::modules(namespace.py())?.copy()?);
            }
            if interpreter::is_function(&object)? && object.getattr("__globals__")?.is(namespace) {
                kept.keep_used(&object, namespace)?;
            }
        }
        Ok(kept)
    }

    /// The containers of the module that a function uses.
    fn keep_used(&mut self, function: &Bound<'py, PyAny>, namespace: &Bound<'py, PyDict>) -> PyResult<()> {
        for name in function.getattr("__code__")?.getattr("co_names")?.try_iter()? {
            match namespace.get_item(name?)? {
                Some(value) if !value.is_instance_of::<PyType>() && !interpreter::is_function(&value)? => {
                    self.keep(&value)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn keep(&mut self, object: &Bound<'py, PyAny>) -> PyResult<()> {
        if contents::are_kept(object) {
            let known = |slot: &Slot| matches!(slot, Slot::Contents(known) if known.is(object));
            if self.containers.iter().any(|(slot, _)| known(slot)) {
                return Ok(());
            }
            let slot = Slot::Contents(object.clone().unbind());
            let before = slot.read(object.py())?;
            self.containers.push((slot, before));
        } else if let Ok(class) = object.cast::<PyType>() {
            let own = PyDict::new(object.py());
            own.update(scope::own(class)?.cast::<PyMapping>()?)?;
            self.classes.push((class.clone(), own));
            self.registered.push((class.clone(), virtuals::of(object)?));
        } else if interpreter::is_function(object)? {
            let own = object.getattr("__dict__")?.cast_into::<PyDict>()?;
            self.tables.push((own.clone(), own.copy()?));
        }
        Ok(())
    }

    /// Notes what is different now.
    ///
    /// # Errors
    /// What looking raises.
    pub fn note(&self, py: Python<'py>, purpose: Purpose<'_>, transaction: &mut Transaction) -> PyResult<()> {
        for (table, before) in &self.tables {
            for (key, before, after) in differences(before, table)? {
                if !is_internal(&key) {
                    let slot = Slot::Item(table.clone().into_any().unbind(), key.unbind());
                    transaction.note(purpose, slot, before, after);
                }
            }
        }
        for (class, before) in &self.classes {
            let own = PyDict::new(py);
            own.update(scope::own(class)?.cast::<PyMapping>()?)?;
            for (key, before, after) in differences(before, &own)? {
                let slot = Slot::Class(class.clone().into_any().unbind(), key.extract()?);
                transaction.note(purpose, slot, before, after);
            }
        }
        for (base, before) in &self.registered {
            for class in virtuals::of(base.as_any())? {
                if !before.iter().any(|known| known.is(&class)) {
                    let slot = Slot::Registered(base.clone().into_any().unbind(), class.clone().unbind());
                    transaction.note(purpose, slot, None, Some(class));
                }
            }
        }
        for (slot, before) in &self.containers {
            let after = slot.read(py)?;
            let same = match (before, &after) {
                (Some(before), Some(after)) => contents::is_same(before, after)?,
                _ => true,
            };
            if !same {
                transaction.note(purpose, slot.again(py), before.clone(), after);
            }
        }
        self.note_renamed(py, purpose, transaction)
    }

    /// Modules that have other names in `sys.modules` now. What was imported meanwhile stays there.
    fn note_renamed(
        &self,
        py: Python<'py>,
        purpose: Purpose<'_>,
        transaction: &mut Transaction,
    ) -> PyResult<()> {
        let Some(loaded) = &self.loaded else { return Ok(()) };
        let known: HashSet<usize> = loaded.values().iter().map(|module| module.as_ptr() as usize).collect();
        let modules = interpreter::modules(py)?;
        for (key, before, after) in differences(loaded, &modules)? {
            let renamed = after.as_ref().is_some_and(|module| known.contains(&(module.as_ptr() as usize)));
            if renamed || before.is_some() {
                let slot = Slot::Item(modules.clone().into_any().unbind(), key.unbind());
                transaction.note(purpose, slot, before, after);
            }
        }
        Ok(())
    }

    /// The names that a class's body bound, or deleted, beside those told.
    ///
    /// # Errors
    /// What looking raises.
    pub fn bound_beside(
        &self,
        locals: &Bound<'py, PyDict>,
        told: &[String],
    ) -> PyResult<Vec<(String, Option<Bound<'py, PyAny>>)>> {
        let Some(before) = &self.locals else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for (key, _, after) in differences(before, locals)? {
            let name: String = key.extract()?;
            let dunder = name.starts_with("__") && name.ends_with("__");
            if !dunder && !told.contains(&name) {
                found.push((name, after));
            }
        }
        Ok(found)
    }
}

/// Whether it is a name that is none of the statement's.
fn is_internal(key: &Bound<'_, PyAny>) -> bool {
    key.extract::<String>().is_ok_and(|key| INTERNAL.contains(&key.as_str()))
}

type Difference<'py> = (Bound<'py, PyAny>, Option<Bound<'py, PyAny>>, Option<Bound<'py, PyAny>>);

/// Keys with another value than before, by identity: the key, the value before, the value now.
fn differences<'py>(before: &Bound<'py, PyDict>, now: &Bound<'py, PyDict>) -> PyResult<Vec<Difference<'py>>> {
    let mut found = Vec::new();
    for (key, value) in before.iter() {
        let after = now.get_item(&key)?;
        if !after.as_ref().is_some_and(|after| after.is(&value)) {
            found.push((key, Some(value), after));
        }
    }
    for (key, value) in now.iter() {
        if !before.contains(&key)? {
            found.push((key, None, Some(value)));
        }
    }
    Ok(found)
}
