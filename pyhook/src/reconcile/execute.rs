//! Executing the statements of a plan in the module's and its classes' namespaces, each store noted so
//! that it can be taken back. How code runs in a scope stands in [`super::run`], what is bound to names in
//! [`super::bind`].

use super::annotations::Kept;
use super::bind::place_label;
use super::codes;
use super::effects::Effects;
use super::executor::Executor;
use super::failures::Failure;
use super::layout::SLOTS;
use super::slot::Slot;
use super::transaction::{Purpose, Transaction};
use super::{annotate, holders, interfaces, refusal, regenerate, scope};
use crate::interpreter;
use patchctl_protocol::plan::{Action, Stale, Step, StepKind};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule, PyString, PyType};

/// What `from __future__` lines bind that change how a text is compiled.
const FEATURE: &str = "annotations";

impl<'py, 'p> Executor<'_, 'py, 'p> {
    /// Does one step.
    pub fn step(
        &mut self,
        py: Python<'py>,
        step: &'p Step,
        transaction: &mut Transaction,
    ) -> Result<(), Failure> {
        if interfaces::is_one(&self.module.namespace, &step.scope) {
            self.stale.extend(interfaces::step(&self.module.namespace, step));
            return Ok(());
        }
        let result = match step.action {
            Action::Annotate => annotate::annotate(py, self, step, transaction),
            Action::Delete => self.delete(py, step, transaction),
            Action::Execute if step.scope.is_empty() => self.execute_in_module(py, step, transaction),
            Action::Execute => self.execute_in_class(py, step, transaction),
            Action::Regenerate => regenerate::regenerate(py, self, step, transaction),
            Action::Rebase => regenerate::rebase(py, self, step, transaction),
        };
        result.map_err(|refusal| Failure::new(&step.patches, refusal))
    }

    fn execute_in_module(
        &mut self,
        py: Python<'py>,
        step: &'p Step,
        transaction: &mut Transaction,
    ) -> Result<(), Refusal> {
        let code = self.compile(py, step.source.as_deref().unwrap_or_default())?;
        if self.has_value(step) || self.adopt(py, step, &code, transaction)? {
            return Ok(());
        }
        let namespace = self.module.namespace.clone();
        let internal = |error: PyErr| refusal(py, Reason::Internal, "noting", &error);
        let mut notes = Vec::new();
        for name in &step.binds {
            let slot = Slot::Item(
                namespace.clone().into_any().unbind(),
                PyString::new(py, name).into_any().unbind(),
            );
            notes.push((name.clone(), slot));
        }
        for place in &step.places {
            // An object that this very statement makes reachable has nothing to put back.
            if let Ok(slot) = self.place(py, place, None) {
                notes.push((place_label(place), slot));
            }
        }
        let mut numbers = Vec::new();
        for (label, slot) in notes {
            let before = slot.read(py).map_err(internal)?;
            let purpose = Purpose::kept(&self.module.key, &label, &step.patches);
            numbers.push((transaction.note(purpose, slot, before.clone(), None), label, before));
        }
        let annotations = self.note_annotations(py, step, transaction).map_err(internal)?;
        let kept = Kept::of(&namespace).map_err(internal)?;
        let changed = step.mutates.iter().filter_map(|name| self.object(py, name)).collect();
        let effects = Effects::before(&namespace, None, (changed, &step.touches)).map_err(internal)?;
        let had = namespace.contains(FEATURE).map_err(internal)?;
        let result = match &step.star {
            Some(behind) => self.import_star(py, step, &code, behind, transaction),
            None => self.run(py, &code, &[], &namespace),
        };
        // The line that the text begins with, so that it is compiled as the module was.
        if !had && !step.binds.iter().any(|name| name == FEATURE) {
            namespace.del_item(FEATURE).ok();
        }
        let purpose = Purpose::kept(&self.module.key, "", &step.patches);
        effects.note(py, purpose, transaction).map_err(internal)?;
        result?;
        self.keep_module_annotations(py, step, (annotations, kept), transaction).map_err(internal)?;
        for (number, label, before) in numbers {
            let after = transaction.settle(py, number).map_err(internal)?;
            if let (Some(before), Some(after), true) = (before, after, step.replaces && !label.is_empty()) {
                self.note_left(step, &label, (&before, &after));
                self.note_replaced(step, &label, (&before, &after)).map_err(internal)?;
                self.propagate(py, &label, (&before, &after), step, transaction).map_err(internal)?;
            }
        }
        Ok(())
    }

    /// A name that the statement may not have bound this time has what the one before it bound. A module is the
    /// same when it is imported again.
    fn note_left(
        &mut self,
        step: &Step,
        name: &str,
        (before, after): (&Bound<'py, PyAny>, &Bound<'py, PyAny>),
    ) {
        let left = step.at_times.iter().any(|known| known == name) && before.is(after);
        if left && !before.is_instance_of::<PyModule>() {
            let because = "what a statement did before".to_owned();
            self.stale.push(Stale { name: name.to_owned(), line: step.line, because, file: self.file() });
        }
    }

    /// Whether a new statement only says that its names are there, and they are: functions have given them their
    /// values.
    fn has_value(&self, step: &Step) -> bool {
        let bound = |name: &String| scope::lookup(&self.module.namespace, &step.scope, name).is_some();
        step.kind == StepKind::NewValue
            && !step.replaces
            && step.constant.as_deref() == Some("None")
            && step.binds.iter().all(bound)
    }

    /// A new definition whose name is bound to a function of this module already (made by `exec`, say): that
    /// function object takes the new code, so that whoever holds it has it too.
    fn adopt(
        &self,
        py: Python<'py>,
        step: &Step,
        code: &Bound<'py, PyAny>,
        transaction: &mut Transaction,
    ) -> Result<bool, Refusal> {
        let internal = |error: PyErr| refusal(py, Reason::Internal, "adopting", &error);
        let (StepKind::NewFunction, [name], false) = (step.kind, step.binds.as_slice(), step.replaces) else {
            return Ok(false);
        };
        let Some(existing) = self.module.namespace.get_item(name).map_err(internal)? else {
            return Ok(false);
        };
        let own = interpreter::is_function(&existing).map_err(internal)?
            && existing.getattr("__globals__").map_err(internal)?.is(&self.module.namespace);
        if !own {
            return Ok(false);
        }
        let locals = PyDict::new(py);
        self.run(py, code, &[], &locals)?;
        let Some(made) = locals.get_item(name).map_err(internal)? else { return Ok(false) };
        if !interpreter::is_function(&made).map_err(internal)?
            || !same_closure(&existing, &made).map_err(internal)?
        {
            return Ok(false);
        }
        for attribute in ["__code__", "__defaults__", "__kwdefaults__", "__doc__"] {
            let value = made.getattr(attribute).map_err(internal)?;
            let label = if attribute == "__code__" { name.as_str() } else { "" };
            let purpose = Purpose::kept(&self.module.key, label, &step.patches);
            let slot = Slot::Attribute(existing.clone().unbind(), attribute.to_owned());
            transaction.put(py, purpose, slot, Some(value)).map_err(internal)?;
        }
        Ok(true)
    }

    fn execute_in_class(
        &mut self,
        py: Python<'py>,
        step: &'p Step,
        transaction: &mut Transaction,
    ) -> Result<(), Refusal> {
        let code = self.compile(py, step.source.as_deref().unwrap_or_default())?;
        let locals = self.locals(&step.scope)?;
        let internal = |error: PyErr| refusal(py, Reason::Internal, "binding", &error);
        let effects = Effects::before(&self.module.namespace, Some(&locals), (Vec::new(), &step.touches))
            .map_err(internal)?;
        let places = self.places_in_class(py, step, &locals, transaction).map_err(internal)?;
        let result = self.run(py, &code, &step.scope, &locals);
        let purpose = Purpose::kept(&self.module.key, "", &step.patches);
        effects.note(py, purpose, transaction).map_err(internal)?;
        result?;
        for place in places {
            transaction.settle(py, place).map_err(internal)?;
        }
        for (name, value) in effects.bound_beside(&locals, &step.binds).map_err(internal)? {
            self.bind(py, purpose, &step.scope, &name, value, transaction)?;
        }
        annotate::take_over(py, self, step, &locals, transaction);
        for name in &step.binds {
            let value = locals.get_item(name).map_err(internal)?;
            if name == SLOTS {
                self.check_slots(py, step, value.as_ref())?;
            }
            let label = step.label(name);
            let purpose = Purpose::kept(&self.module.key, &label, &step.patches);
            let before = scope::lookup(&self.module.namespace, &step.scope, name);
            if let (Some(before), Some(after)) = (&before, &value) {
                self.note_replaced(step, name, (before, after)).map_err(internal)?;
            }
            self.bind(py, purpose, &step.scope, name, value, transaction)?;
            if matches!(step.kind, StepKind::NewValue | StepKind::ChangedValue) {
                self.note_metaclass(&step.scope, &label, step.line);
            }
        }
        self.forget_hash(py, step, purpose, transaction)
    }

    /// A value that a metaclass of the application's may have computed something from, or into something else,
    /// when it made the class.
    fn note_metaclass(&mut self, names: &[String], label: &str, line: u32) {
        let Ok(class) = scope::class(&self.module.namespace, names) else { return };
        let metaclass = class.get_type();
        let makes = |kind: &Bound<'_, PyType>| {
            ["__new__", "__init__"].iter().any(|name| {
                let made = scope::attribute(kind, name).as_ref().and_then(holders::plain_function);
                let from = made.and_then(|made| interpreter::text(&made, "__module__"));
                from.is_some_and(|from| !["abc", "typing", "enum"].contains(&from.as_str()))
            })
        };
        let kinds = metaclass.mro();
        if kinds.iter().any(|kind| kind.cast_into::<PyType>().is_ok_and(|kind| makes(&kind))) {
            let because = format!(
                "what its metaclass {} made of it",
                interpreter::text(&metaclass, "__name__").unwrap_or_default()
            );
            self.stale.push(Stale { name: label.to_owned(), line, because, file: self.file() });
        }
    }

    /// Whether a name that a removed statement bound to a constant is bound to something else by now: by code
    /// that is not removed, or whose work stays.
    fn is_bound_since(&self, py: Python<'py>, step: &Step, name: &str) -> bool {
        let Some(constant) = step.constant.as_deref() else { return false };
        let Some(value) = scope::lookup(&self.module.namespace, &step.scope, name) else { return false };
        let eval = |all: &interpreter::Builtins| all.eval.bind(py).call1((constant, PyDict::new(py)));
        let constant = interpreter::builtins(py).and_then(eval);
        constant.is_ok_and(|constant| {
            !constant.get_type().is(value.get_type()) || !constant.eq(&value).unwrap_or(true)
        })
    }

    fn delete(&mut self, py: Python<'py>, step: &Step, transaction: &mut Transaction) -> Result<(), Refusal> {
        for name in &step.binds {
            let label = step.label(name);
            if self.is_bound_since(py, step, name) {
                if !step.at_times.contains(name) {
                    let because = "what bound it since".to_owned();
                    self.stale.push(Stale { name: label, line: step.line, because, file: self.file() });
                }
                continue;
            }
            let purpose = Purpose::kept(&self.module.key, &label, &step.patches);
            self.bind(py, purpose, &step.scope, name, None, transaction)?;
            annotate::forget(py, &self.module.namespace, &step.scope, name, purpose, transaction)
                .map_err(|error| refusal(py, Reason::Internal, "forgetting an annotation", &error))?;
        }
        let locals = if step.scope.is_empty() { None } else { Some(self.locals(&step.scope)?) };
        for place in &step.places {
            let label = place_label(place);
            let purpose = Purpose::kept(&self.module.key, &label, &step.patches);
            // What is not there, or can't lose it, has nothing to delete.
            if let Ok(slot) = self.place(py, place, locals.as_ref()) {
                transaction.put(py, purpose, slot, None).ok();
            }
        }
        Ok(())
    }
}

fn same_closure(one: &Bound<'_, PyAny>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(codes::free_variables(&one.getattr("__code__")?)?
        == codes::free_variables(&other.getattr("__code__")?)?)
}
