//! Annotations that change alone: a statement of a class's body runs in a copy of its namespace for what it says of
//! types, and an annotation goes with its name. One that can't be computed here stays behind.

use super::executor::Executor;
use super::scope;
use super::slot::Slot;
use super::transaction::{Purpose, Transaction};
use crate::interpreter;
use patchctl_protocol::plan::Step;
use patchctl_protocol::state::Refusal;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

/// `annotationlib.Format.VALUE` (PEP 749).
const VALUE: u8 = 1;

/// Runs a statement for its annotations alone.
pub fn annotate<'py>(
    py: Python<'py>,
    executor: &mut Executor<'_, 'py, '_>,
    step: &Step,
    transaction: &mut Transaction,
) -> Result<(), Refusal> {
    let code = executor.compile(py, step.source.as_deref().unwrap_or_default())?;
    let locals = executor.locals(&step.scope)?;
    if executor.run(py, &code, &step.scope, &locals).is_ok() {
        take_over(py, executor, step, &locals, transaction);
    } else {
        executor.annotations_stay(step);
    }
    Ok(())
}

/// Takes the annotation of a name away that is gone from its scope.
///
/// # Errors
/// What storing raises.
pub fn forget<'py>(
    py: Python<'py>,
    namespace: &Bound<'py, PyDict>,
    names: &[String],
    name: &str,
    purpose: Purpose<'_>,
    transaction: &mut Transaction,
) -> PyResult<()> {
    let annotations = intern!(py, "__annotations__");
    let own = match names {
        [] => namespace.get_item(annotations)?,
        _ => {
            scope::class(namespace, names).ok().and_then(|class| scope::attribute(&class, "__annotations__"))
        }
    };
    let Some(own) = own.and_then(|own| own.cast_into::<PyDict>().ok()) else { return Ok(()) };
    if !own.contains(name)? {
        return Ok(());
    }
    let purpose = Purpose { label: "", ..purpose };
    transaction.put(
        py,
        purpose,
        Slot::Item(own.into_any().unbind(), PyString::new(py, name).into_any().unbind()),
        None,
    )
}

/// Gives the class the annotations that a statement of its body has made.
pub fn take_over<'py>(
    py: Python<'py>,
    executor: &mut Executor<'_, 'py, '_>,
    step: &Step,
    locals: &Bound<'py, PyDict>,
    transaction: &mut Transaction,
) {
    let mut give = || -> PyResult<()> {
        let made = take(py, locals)?;
        if made.is_empty() {
            return Ok(());
        }
        let Ok(class) = scope::class(&executor.module.namespace, &step.scope) else { return Ok(()) };
        let purpose = Purpose::kept(&executor.module.key, "", &step.patches);
        let Some(own) = own(py, &class)? else {
            let slot = Slot::Class(class.into_any().unbind(), "__annotations__".to_owned());
            return transaction.put(py, purpose, slot, Some(made.into_any()));
        };
        for (name, annotation) in made.iter() {
            let slot = Slot::Item(own.clone().into_any().unbind(), name.unbind());
            transaction.put(py, purpose, slot, Some(annotation))?;
        }
        Ok(())
    };
    if give().is_err() {
        executor.annotations_stay(step);
    }
}

/// What the body's statements have written since the last time.
fn take<'py>(py: Python<'py>, locals: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    for name in ["__annotate_func__", "__annotate__"] {
        let Some(annotate) = locals.get_item(name)? else { continue };
        locals.del_item(name)?;
        if interpreter::is_function(&annotate)? {
            return Ok(annotate.call1((VALUE,))?.cast_into::<PyDict>()?);
        }
    }
    let made = locals.get_item(intern!(py, "__annotations__"))?;
    locals.set_item(intern!(py, "__annotations__"), PyDict::new(py))?;
    Ok(match made {
        Some(made) => made.cast_into::<PyDict>()?,
        None => PyDict::new(py),
    })
}

/// The class's own annotations, not those of a base. Up to 3.13 a class without any gets a dictionary by being
/// asked for them, from 3.10 on (`type_get_annotations` in CPython's `Objects/typeobject.c`).
fn own<'py>(py: Python<'py>, class: &Bound<'py, PyType>) -> PyResult<Option<Bound<'py, PyDict>>> {
    if py.version_info() < (3, 14) && scope::attribute(class, "__annotations__").is_none() {
        return Ok(None);
    }
    Ok(Some(class.getattr(intern!(py, "__annotations__"))?.cast_into::<PyDict>()?))
}
