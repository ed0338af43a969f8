//! Scopes of a module: its own namespace and those of its classes, found without running code of theirs.

use crate::interpreter;
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

/// The class that a chain of names leads to.
///
/// # Errors
/// `target-not-found` where a name is missing or is no class.
pub fn class<'py>(namespace: &Bound<'py, PyDict>, names: &[String]) -> Result<Bound<'py, PyType>, Refusal> {
    let mut found: Option<Bound<'py, PyType>> = None;
    for name in names {
        let value = match &found {
            None => namespace.get_item(name).ok().flatten(),
            Some(class) => attribute(class, name),
        };
        let value = value.ok_or_else(|| missing(names, "does not exist in the process"))?;
        let class = behind(value.clone(), name).or_else(|| of_instance(namespace, &value, name));
        found = Some(class.ok_or_else(|| missing(names, "is no class in the process"))?);
    }
    found.ok_or_else(|| missing(names, "names nothing"))
}

/// The class itself, or the one of that name that a function wraps which stands in its place: by
/// `functools.wraps`, or in its closure.
#[must_use]
pub fn behind<'py>(value: Bound<'py, PyAny>, name: &str) -> Option<Bound<'py, PyType>> {
    const DEEPEST: usize = 20;
    let mut value = value;
    for _ in 0..DEEPEST {
        value = match value.cast_into::<PyType>() {
            Ok(class) => return Some(class),
            Err(error) => error.into_inner(),
        };
        if !interpreter::is_function(&value).ok()? {
            return None;
        }
        value = match value.getattr("__wrapped__") {
            Ok(wrapped) => wrapped,
            Err(_) => return captured(&value, name),
        };
    }
    None
}

/// The class of that name of a module whose instance has taken its place.
fn of_instance<'py>(
    namespace: &Bound<'py, PyDict>,
    value: &Bound<'py, PyAny>,
    name: &str,
) -> Option<Bound<'py, PyType>> {
    let class = value.get_type();
    let module = namespace.get_item("__name__").ok()??.extract::<String>().ok()?;
    let told = |attribute: &str| interpreter::text(&class, attribute);
    (told("__name__").as_deref() == Some(name) && told("__module__")? == module).then_some(class)
}

/// The class of that name in a function's closure.
fn captured<'py>(function: &Bound<'py, PyAny>, name: &str) -> Option<Bound<'py, PyType>> {
    let cells = function.getattr("__closure__").ok()?.cast_into::<PyTuple>().ok()?;
    let classes =
        cells.iter().filter_map(|cell| cell.getattr("cell_contents").ok()?.cast_into::<PyType>().ok());
    classes.into_iter().find(|class| interpreter::text(class, "__name__").as_deref() == Some(name))
}

fn missing(names: &[String], what: &str) -> Refusal {
    Refusal::new(Reason::TargetNotFound, format!("class {} {what}", names.join(".")))
}

/// What stands in the class's own namespace, no descriptor asked, no base looked at.
#[must_use]
pub fn attribute<'py>(class: &Bound<'py, PyType>, name: &str) -> Option<Bound<'py, PyAny>> {
    own(class).ok()?.get_item(name).ok()
}

/// The class's own namespace, as `type` gives it: no metaclass is asked.
///
/// # Errors
/// What reading it raises.
pub fn own<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    let metatype = class.py().get_type::<PyType>();
    metatype.getattr("__dict__")?.get_item("__dict__")?.call_method1("__get__", (class,))
}

/// The names in the class's own namespace.
#[must_use]
pub fn names(class: &Bound<'_, PyType>) -> Vec<String> {
    let mut names = Vec::new();
    let keys = own(class).and_then(|own| own.try_iter());
    for key in keys.into_iter().flatten().flatten() {
        names.extend(key.extract::<String>());
    }
    names
}

/// What a name is bound to in a scope.
#[must_use]
pub fn lookup<'py>(
    namespace: &Bound<'py, PyDict>,
    scope: &[String],
    name: &str,
) -> Option<Bound<'py, PyAny>> {
    if scope.is_empty() {
        return namespace.get_item(name).ok().flatten();
    }
    attribute(&class(namespace, scope).ok()?, name)
}

/// A text that a namespace has under a name.
#[must_use]
pub fn text(namespace: &Bound<'_, PyDict>, name: &str) -> Option<String> {
    namespace.get_item(name).ok()??.cast_exact::<PyString>().ok()?.extract().ok()
}
