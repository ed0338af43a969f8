//! The function that a definition made, within what its decorators left bound to its name, without running
//! any code: only containers whose types are the interpreter's own are opened.

use crate::interpreter;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::collections::VecDeque;

/// Most objects that are looked into.
const MOST: usize = 64;

/// The function of that qualified name, else the innermost one that is wrapped.
///
/// # Errors
/// What reading the interpreter's own objects raises.
pub fn function<'py>(value: &Bound<'py, PyAny>, qualname: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mut open = VecDeque::from([value.clone()]);
    let mut wrapped = None;
    for _ in 0..MOST {
        let Some(object) = open.pop_front() else { break };
        if interpreter::is_function(&object)? {
            if is_named(&object, qualname)? {
                return Ok(Some(object));
            }
            let inside = within_function(&object)?;
            if inside.is_empty() || wrapped.is_none() {
                wrapped = Some(object);
            }
            open.extend(inside);
        } else {
            open.extend(within(&object)?);
        }
    }
    Ok(wrapped)
}

/// Whether a wrapper holds an object, at any depth.
///
/// # Errors
/// What reading the interpreter's own objects raises.
pub fn holds(value: &Bound<'_, PyAny>, wanted: &Bound<'_, PyAny>) -> PyResult<bool> {
    let mut open = VecDeque::from([value.clone()]);
    for _ in 0..MOST {
        let Some(object) = open.pop_front() else { break };
        if object.is(wanted) {
            return Ok(true);
        }
        let inside = if interpreter::is_function(&object)? { within_function } else { within };
        open.extend(inside(&object)?);
    }
    Ok(false)
}

/// Whether the code was compiled under that name. `__qualname__` of the function may be a copy.
pub fn is_named(function: &Bound<'_, PyAny>, qualname: &str) -> PyResult<bool> {
    let code = function.getattr(intern!(function.py(), "__code__"))?;
    Ok(match interpreter::text(&code, "co_qualname") {
        Some(name) => name == qualname,
        None => {
            let own = interpreter::text(function, "__qualname__").is_some_and(|name| name == qualname);
            let last = qualname.rsplit('.').next();
            own && interpreter::text(&code, "co_name").as_deref() == last
        }
    })
}

/// What a wrapper holds: `__wrapped__` in its own dictionary, and what its cells hold.
fn within_function<'py>(function: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let py = function.py();
    let mut found = Vec::new();
    if let Ok(own) = function.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>() {
        found.extend(own.get_item(intern!(py, "__wrapped__"))?);
    }
    if let Ok(cells) = function.getattr(intern!(py, "__closure__"))?.cast_into::<PyTuple>() {
        // An empty cell raises.
        found.extend(cells.iter().filter_map(|cell| cell.getattr(intern!(py, "cell_contents")).ok()));
    }
    Ok(found)
}

/// What the interpreter's own wrappers hold, by the names of their types.
fn within<'py>(object: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let (module, name) = interpreter::type_name(object).unwrap_or_default();
    let attributes: &[&str] = match (&*module, &*name) {
        ("builtins", "staticmethod" | "classmethod" | "method") => &["__func__"],
        ("builtins", "property") => &["fget", "fset", "fdel"],
        ("functools", "partial") => &["func"],
        ("functools", "_lru_cache_wrapper") => &["__wrapped__"],
        _ => &[],
    };
    Ok(attributes.iter().filter_map(|attribute| object.getattr(*attribute).ok()).collect())
}
