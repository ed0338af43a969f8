//! Names and places that a plan's statements change: each is bound through the transaction, and who imported
//! the object that was there before gets the new one.

use super::executor::Executor;
use super::others::Others;
use super::slot::Slot;
use super::transaction::{Purpose, Transaction};
use super::{identity, importers, refusal, scope};
use crate::interpreter;
use patchctl_protocol::plan::{Place, Step};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

impl<'py> Executor<'_, 'py, '_> {
    /// Binds (or, without a value, deletes) a name in a scope.
    pub fn bind(
        &self,
        py: Python<'py>,
        purpose: Purpose<'_>,
        names: &[String],
        name: &str,
        value: Option<Bound<'py, PyAny>>,
        transaction: &mut Transaction,
    ) -> Result<(), Refusal> {
        let raised = |error: PyErr| refusal(py, Reason::UnsupportedChange, "binding a name", &error);
        if names.is_empty() {
            let key = PyString::new(py, name).into_any().unbind();
            let slot = Slot::Item(self.module.namespace.clone().into_any().unbind(), key);
            return transaction.put(py, purpose, slot, value).map_err(raised);
        }
        let class = scope::class(&self.module.namespace, names)?;
        let value = value.map(|value| as_made(name, value)).transpose().map_err(raised)?;
        refuse_enum_member(&class, name, value.as_ref())?;
        let slot = Slot::Class(class.clone().into_any().unbind(), name.to_owned());
        transaction.put(py, purpose, slot, value.clone()).map_err(raised)?;
        // As `type.__new__` does for what a class body binds (PEP 487).
        if let Some(value) = value
            && let Ok(set_name) = value.get_type().getattr("__set_name__")
        {
            set_name.call1((value, class, name)).map_err(raised)?;
        }
        Ok(())
    }

    /// Where a statement stores into an object.
    pub(super) fn place(
        &self,
        py: Python<'py>,
        place: &Place,
        locals: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Slot> {
        let eval = interpreter::builtins(py)?.eval.bind(py);
        let locals = locals.unwrap_or(&self.module.namespace);
        let object = eval.call1((&place.object, &self.module.namespace, locals))?;
        if place.item {
            let key = eval.call1((&place.key, &self.module.namespace, locals))?;
            return Ok(Slot::Item(object.unbind(), key.unbind()));
        }
        let is_class = object.is_instance_of::<PyType>();
        let make = if is_class { Slot::Class } else { Slot::Attribute };
        Ok(make(object.unbind(), place.key.clone()))
    }

    /// Notes where a statement of a class's body stores into objects.
    pub(super) fn places_in_class(
        &self,
        py: Python<'py>,
        step: &Step,
        locals: &Bound<'py, PyDict>,
        transaction: &mut Transaction,
    ) -> PyResult<Vec<usize>> {
        let mut notes = Vec::new();
        for place in &step.places {
            if let Ok(slot) = self.place(py, place, Some(locals)) {
                let label = step.label(&place_label(place));
                let before = slot.read(py)?;
                let purpose = Purpose::kept(&self.module.key, &label, &step.patches);
                notes.push(transaction.note(purpose, slot, before, None));
            }
        }
        Ok(notes)
    }

    /// What a dotted name of the module leads to now.
    pub(super) fn object(&self, py: Python<'py>, name: &str) -> Option<Bound<'py, PyAny>> {
        interpreter::builtins(py).ok()?.eval.bind(py).call1((name, &self.module.namespace)).ok()
    }

    /// `from module import name` elsewhere: other modules' names that are bound to the very object that
    /// was replaced are bound to the new one. An object with an identity of its own is known wherever it is
    /// bound; of others (texts, numbers, what this module imports itself) the texts tell who imported them.
    pub(super) fn propagate(
        &mut self,
        py: Python<'py>,
        name: &str,
        (before, after): (&Bound<'py, PyAny>, &Bound<'py, PyAny>),
        step: &Step,
        transaction: &mut Transaction,
    ) -> PyResult<()> {
        if before.is(after) {
            return Ok(());
        }
        let mut others = match self.others.take() {
            Some(known) => known,
            None => self.look_around()?,
        };
        let bound = match importers::is_told_by_texts(step, before) {
            true => {
                let module = scope::text(&self.module.namespace, "__name__").unwrap_or_default();
                importers::importers(&mut others, self.imports, (&module, name), before)
            }
            false => others.bound(before),
        };
        for (index, key) in bound {
            let (module, namespace) = &others.modules[index];
            let label = format!("{module}:{key}");
            let purpose = Purpose::kept(&self.module.key, &label, &step.patches);
            let key = PyString::new(py, &key).into_any().unbind();
            let slot = Slot::Item(namespace.clone().into_any().unbind(), key);
            transaction.put(py, purpose, slot, Some(after.clone()))?;
        }
        self.others = Some(others);
        Ok(())
    }

    /// Looks, in one pass, for who has what the plan's steps have still to replace.
    fn look_around(&self) -> PyResult<Others<'py>> {
        let mut others = Others::of(&self.module.namespace)?;
        let values = importers::replaced(&self.content.steps)
            .filter_map(|(_, name)| self.module.namespace.get_item(name).ok().flatten())
            .filter(|value| !identity::is_common(value));
        others.seek(&values.collect::<Vec<_>>());
        Ok(others)
    }
}

/// A place as people write it.
pub(super) fn place_label(place: &Place) -> String {
    if place.item {
        format!("{}[{}]", place.object, place.key)
    } else {
        format!("{}.{}", place.object, place.key)
    }
}

/// A value put into an enumeration past its metaclass would be no member.
fn refuse_enum_member(
    class: &Bound<'_, PyType>,
    name: &str,
    value: Option<&Bound<'_, PyAny>>,
) -> Result<(), Refusal> {
    let Ok(members) = class.getattr("_member_map_") else { return Ok(()) };
    let would_be_one = value.is_some_and(|value| !value.get_type().hasattr("__get__").unwrap_or(false));
    if (members.contains(name).unwrap_or(true) || would_be_one) && !name.starts_with('_') {
        let detail = format!("{name} is a member of an enumeration, which a running process can't change");
        return Err(Refusal::new(Reason::UnsupportedChange, detail));
    }
    Ok(())
}

/// What making a class makes of a function in its body (`type_new_set_attrs` in CPython's `Objects/typeobject.c`).
fn as_made<'py>(name: &str, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let kind = match name {
        "__new__" => "staticmethod",
        "__init_subclass__" | "__class_getitem__" => "classmethod",
        _ => return Ok(value),
    };
    if !interpreter::is_function(&value)? {
        return Ok(value);
    }
    value.py().import("builtins")?.getattr(kind)?.call1((value,))
}
