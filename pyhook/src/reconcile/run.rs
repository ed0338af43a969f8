//! Running compiled statements in a scope: the module's namespace, or what a class's body sees as its own.

use super::executor::Executor;
use super::{codes, refusal, scope};
use crate::interpreter;
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyTuple, PyType};

impl<'py> Executor<'_, 'py, '_> {
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
            for name in ["__annotate_func__", "__annotate__", "__conditional_annotations__"] {
                if locals.contains(name)? {
                    locals.del_item(name)?;
                }
            }
            Ok(locals)
        };
        let locals =
            copy().map_err(|error| refusal(py, Reason::Internal, "copying a class's namespace", &error))?;
        self.locals.insert(names.to_vec(), locals.clone());
        Ok(locals)
    }
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
