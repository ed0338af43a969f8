//! Executing the statements of a plan in the module's and its classes' namespaces, each store noted so
//! that it can be taken back.

use super::assign::Templates;
use super::codes;
use super::failures::Failure;
use super::prepare::{self, Prepared};
use super::transaction::{Purpose, Slot, Transaction};
use super::{refusal, regenerate, scope};
use crate::interpreter;
use patchctl_protocol::plan::{Action, Place, Plan, Step, StepKind};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString, PyTuple, PyType};
use std::collections::HashMap;

/// Executes the steps of one module's plan.
pub struct Executor<'a, 'py, 'p> {
    pub module: &'a Prepared<'py, 'p>,
    content: &'p Plan,
    filename: String,
    /// What class bodies see as their namespace, by class: a copy, from which the names that a step binds
    /// are taken over.
    locals: HashMap<Vec<String>, Bound<'py, PyDict>>,
}

impl<'a, 'py, 'p> Executor<'a, 'py, 'p> {
    pub fn new(module: &'a Prepared<'py, 'p>, content: &'p Plan) -> Self {
        let filename = prepare::file_name(content, &module.namespace);
        Self { module, content, filename, locals: HashMap::new() }
    }

    /// Does one step.
    pub fn step(
        &mut self,
        py: Python<'py>,
        step: &Step,
        transaction: &mut Transaction,
    ) -> Result<(), Failure> {
        let result = match step.action {
            Action::Delete => self.delete(py, step, transaction),
            Action::Execute if step.scope.is_empty() => self.execute_in_module(py, step, transaction),
            Action::Execute => self.execute_in_class(py, step, transaction),
            Action::Regenerate => regenerate::regenerate(py, self, step, transaction),
            Action::Rebase => regenerate::rebase(py, self, step, transaction),
        };
        result.map_err(|refusal| Failure::new(&step.patches, refusal))
    }

    /// Makes the plain function of a changed definition, for its defaults and the like; a function that does
    /// not exist here yet is bound to its name as well.
    pub fn template(
        &mut self,
        py: Python<'py>,
        index: usize,
        transaction: &mut Transaction,
        templates: &mut Templates<'py>,
    ) -> Result<(), Failure> {
        let change = &self.content.functions[index];
        let fail = |refusal| Failure::new(&change.patches, refusal);
        let source = change.source.as_deref().unwrap_or_default();
        let code = self.compile(py, source).map_err(fail)?;
        let locals = if change.scope.is_empty() {
            PyDict::new(py)
        } else {
            self.locals(&change.scope).map_err(fail)?
        };
        self.run(py, &code, &change.scope, &locals).map_err(fail)?;
        let made = locals.get_item(&change.name).ok().flatten();
        let made = made.ok_or_else(|| {
            fail(Refusal::new(Reason::Internal, format!("{} was not made", change.qualname)))
        })?;
        if self.module.absent[index] {
            let label = change.qualname.as_str();
            let purpose = Purpose::kept(&self.module.key, label, &change.patches);
            return self
                .bind(py, purpose, &change.scope, &change.name, Some(made), transaction)
                .map_err(fail);
        }
        if !interpreter::is_function(&made).unwrap_or(false) {
            return Err(fail(Refusal::new(
                Reason::Internal,
                format!("{} is no plain function", change.qualname),
            )));
        }
        templates.functions.insert(index, made);
        Ok(())
    }

    pub fn compile(&self, py: Python<'py>, source: &str) -> Result<Bound<'py, PyAny>, Refusal> {
        interpreter::compile(py, source, &self.filename)
            .map_err(|error| refusal(py, Reason::SyntaxError, "compiling a statement", &error))
    }

    fn execute_in_module(
        &mut self,
        py: Python<'py>,
        step: &Step,
        transaction: &mut Transaction,
    ) -> Result<(), Refusal> {
        let code = self.compile(py, step.source.as_deref().unwrap_or_default())?;
        if self.adopt(py, step, &code, transaction)? {
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
            if let Ok(slot) = self.place(py, place) {
                notes.push((place_label(place), slot));
            }
        }
        let mut numbers = Vec::new();
        for (label, slot) in notes {
            let before = slot.read(py).map_err(internal)?;
            let purpose = Purpose::kept(&self.module.key, &label, &step.patches);
            numbers.push((transaction.note(purpose, slot, before.clone(), None), before));
        }
        self.run(py, &code, &[], &namespace)?;
        for (number, before) in numbers {
            let after = transaction.settle(py, number).map_err(internal)?;
            if let (Some(before), Some(after), true) = (before, after, step.replaces) {
                self.propagate(py, &before, &after, step, transaction).map_err(internal)?;
            }
        }
        Ok(())
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
        step: &Step,
        transaction: &mut Transaction,
    ) -> Result<(), Refusal> {
        let code = self.compile(py, step.source.as_deref().unwrap_or_default())?;
        let locals = self.locals(&step.scope)?;
        self.run(py, &code, &step.scope, &locals)?;
        let internal = |error: PyErr| refusal(py, Reason::Internal, "binding", &error);
        for name in &step.binds {
            let value = locals.get_item(name).map_err(internal)?;
            let label = format!("{}.{name}", step.scope.join("."));
            let purpose = Purpose::kept(&self.module.key, &label, &step.patches);
            self.bind(py, purpose, &step.scope, name, value, transaction)?;
        }
        Ok(())
    }

    fn delete(&mut self, py: Python<'py>, step: &Step, transaction: &mut Transaction) -> Result<(), Refusal> {
        for name in &step.binds {
            let label = step.scope.iter().chain([name]).cloned().collect::<Vec<_>>().join(".");
            let purpose = Purpose::kept(&self.module.key, &label, &step.patches);
            self.bind(py, purpose, &step.scope, name, None, transaction)?;
        }
        Ok(())
    }

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

    /// Executes compiled code in a scope: for a class, its body's code object, found within.
    pub fn run(
        &self,
        py: Python<'py>,
        code: &Bound<'py, PyAny>,
        names: &[String],
        locals: &Bound<'py, PyDict>,
    ) -> Result<(), Refusal> {
        let raised = |error: PyErr| refusal(py, Reason::Raised, "executing a statement", &error);
        let mut body = code.clone();
        for name in names {
            let found = codes::within(&body).map_err(raised)?;
            let named =
                found.into_iter().find(|code| interpreter::text(code, "co_name").as_deref() == Some(name));
            body = named.ok_or_else(|| {
                Refusal::new(Reason::Internal, format!("no body of class {name} in the plan"))
            })?;
        }
        let exec = interpreter::builtins(py).map_err(raised)?.exec.bind(py);
        let class = if names.is_empty() { None } else { Some(scope::class(&self.module.namespace, names)?) };
        let options = closure(py, &body, class.as_ref()).map_err(raised)?;
        exec.call((&body, &self.module.namespace, locals), options.as_ref()).map_err(raised)?;
        if let Some(class) = class {
            fill_cells(locals, &class).map_err(raised)?;
        }
        Ok(())
    }

    /// A copy of a class's namespace for its statements to run in, kept from step to step.
    pub fn locals(&mut self, names: &[String]) -> Result<Bound<'py, PyDict>, Refusal> {
        if let Some(locals) = self.locals.get(names) {
            return Ok(locals.clone());
        }
        let class = scope::class(&self.module.namespace, names)?;
        let py = class.py();
        let copy = || -> PyResult<Bound<'py, PyDict>> {
            let locals = PyDict::new(py);
            locals.update(class.getattr("__dict__")?.cast::<PyMapping>()?)?;
            // Annotated statements write into this one: it must not be the class's own.
            locals.set_item("__annotations__", PyDict::new(py))?;
            Ok(locals)
        };
        let locals =
            copy().map_err(|error| refusal(py, Reason::Internal, "copying a class's namespace", &error))?;
        self.locals.insert(names.to_vec(), locals.clone());
        Ok(locals)
    }

    fn place(&self, py: Python<'py>, place: &Place) -> PyResult<Slot> {
        let eval = interpreter::builtins(py)?.eval.bind(py);
        let object = eval.call1((&place.object, &self.module.namespace))?;
        if place.item {
            let key = eval.call1((&place.key, &self.module.namespace))?;
            return Ok(Slot::Item(object.unbind(), key.unbind()));
        }
        let is_class = object.is_instance_of::<PyType>();
        let make = if is_class { Slot::Class } else { Slot::Attribute };
        Ok(make(object.unbind(), place.key.clone()))
    }

    /// `from module import name` elsewhere: other modules' names that are bound to the very object that
    /// was replaced are bound to the new one. Only for objects with an identity of their own.
    fn propagate(
        &self,
        py: Python<'py>,
        before: &Bound<'py, PyAny>,
        after: &Bound<'py, PyAny>,
        step: &Step,
        transaction: &mut Transaction,
    ) -> PyResult<()> {
        const SHARED: [&str; 9] =
            ["int", "bool", "str", "bytes", "float", "complex", "NoneType", "module", "tuple"];
        let sort = before.get_type().name()?;
        if before.is(after) || SHARED.contains(&&*sort.to_cow()?) || before.is_none() {
            return Ok(());
        }
        for name in interpreter::modules(py)?.keys().iter() {
            let Ok(name) = name.extract::<String>() else { continue };
            let Some(namespace) = interpreter::namespace(py, &name)? else { continue };
            if namespace.is(&self.module.namespace) {
                continue;
            }
            let bound = namespace.iter().filter(|(_, value)| value.is(before)).map(|(key, _)| key);
            for key in bound.collect::<Vec<_>>() {
                let label = format!("{name}:{key}");
                let purpose = Purpose::kept(&self.module.key, &label, &step.patches);
                let slot = Slot::Item(namespace.clone().into_any().unbind(), key.unbind());
                transaction.put(py, purpose, slot, Some(after.clone()))?;
            }
        }
        Ok(())
    }
}

fn place_label(place: &Place) -> String {
    if place.item {
        format!("{}[{}]", place.object, place.key)
    } else {
        format!("{}.{}", place.object, place.key)
    }
}

fn same_closure(one: &Bound<'_, PyAny>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(codes::free_variables(&one.getattr("__code__")?)?
        == codes::free_variables(&other.getattr("__code__")?)?)
}

/// A value put into an enumeration past its metaclass would be no member.
fn refuse_enum_member(
    class: &Bound<'_, PyType>,
    name: &str,
    value: Option<&Bound<'_, PyAny>>,
) -> Result<(), Refusal> {
    let is_enum = class.getattr("_member_map_").is_ok();
    let is_descriptor = value.is_some_and(|value| value.get_type().hasattr("__get__").unwrap_or(false));
    if is_enum && !is_descriptor && !name.starts_with('_') {
        let detail = format!("{name} is a member of an enumeration, which a running process can't change");
        return Err(Refusal::new(Reason::UnsupportedChange, detail));
    }
    Ok(())
}

/// `exec(..., closure=...)` for a class body within type parameters (PEP 695).
fn closure<'py>(
    py: Python<'py>,
    body: &Bound<'py, PyAny>,
    class: Option<&Bound<'py, PyType>>,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let free = codes::free_variables(body)?;
    let (Some(class), false) = (class, free.is_empty()) else { return Ok(None) };
    let parameters = class.getattr("__type_params__")?;
    let cell = interpreter::builtins(py)?.cell.bind(py);
    let mut cells = Vec::new();
    for name in free {
        let mut value = parameters.clone();
        for parameter in parameters.try_iter()? {
            let parameter = parameter?;
            if interpreter::text(&parameter, "__name__").as_deref() == Some(&name) {
                value = parameter;
            }
        }
        cells.push(cell.call1((value,))?);
    }
    let options = PyDict::new(py);
    options.set_item("closure", PyTuple::new(py, cells)?)?;
    Ok(Some(options))
}

/// Gives the functions of a class body their `__class__`.
fn fill_cells(locals: &Bound<'_, PyDict>, class: &Bound<'_, PyType>) -> PyResult<()> {
    if let Some(cell) = locals.get_item("__classcell__")? {
        cell.setattr("cell_contents", class)?;
        locals.del_item("__classcell__")?;
    }
    if let Some(cell) = locals.get_item("__classdictcell__")? {
        cell.setattr("cell_contents", class.getattr("__dict__")?)?;
        locals.del_item("__classdictcell__")?;
    }
    Ok(())
}
