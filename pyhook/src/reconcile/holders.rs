//! Finding every function of a module that lives in the process, wherever it is held: closures, decorated
//! functions, registries, bound methods kept by others. All of them refer to the module's namespace as
//! their globals, so one pass of the garbage collector over its objects finds them.

use crate::interpreter;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use std::collections::HashSet;

/// A function object and the code it runs now.
pub struct Holder<'py> {
    pub function: Bound<'py, PyAny>,
    pub code: Bound<'py, PyAny>,
}

/// All functions whose globals are this namespace.
///
/// # Errors
/// What the garbage collector's functions raise.
pub fn functions_of<'py>(namespace: &Bound<'py, PyDict>) -> PyResult<Vec<Holder<'py>>> {
    let py = namespace.py();
    let gc = py.import("gc")?;
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let referrers = gc.getattr("get_referrers")?.call1((namespace,))?.cast_into::<PyList>()?;
    for object in referrers.iter() {
        add(namespace, object, &mut found, &mut seen)?;
    }
    // After `gc.freeze()` (pre-fork servers call it) the collector does not see what is frozen.
    if gc.getattr("get_freeze_count")?.call0()?.extract::<usize>()? > 0 {
        for object in reachable(py, &gc)? {
            add(namespace, object, &mut found, &mut seen)?;
        }
    }
    Ok(found)
}

fn add<'py>(
    namespace: &Bound<'py, PyDict>,
    object: Bound<'py, PyAny>,
    found: &mut Vec<Holder<'py>>,
    seen: &mut HashSet<usize>,
) -> PyResult<()> {
    if !interpreter::is_function(&object)? || !seen.insert(object.as_ptr() as usize) {
        return Ok(());
    }
    if object.getattr("__globals__")?.is(namespace) {
        let code = object.getattr("__code__")?;
        found.push(Holder { function: object, code });
    }
    Ok(())
}

/// All functions that can be reached from the loaded modules, for processes with frozen objects.
fn reachable<'py>(py: Python<'py>, gc: &Bound<'py, PyModule>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    const BATCH: usize = 512;
    let (referents, is_tracked) = (gc.getattr("get_referents")?, gc.getattr("is_tracked")?);
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut open: Vec<Bound<'py, PyAny>> = vec![interpreter::modules(py)?.into_any()];
    while !open.is_empty() {
        let batch = open.split_off(open.len().saturating_sub(BATCH));
        let next = referents.call1(PyTuple::new(py, &batch)?)?.cast_into::<PyList>()?;
        for object in next.iter() {
            if is_tracked.call1((&object,))?.is_truthy()? && seen.insert(object.as_ptr() as usize) {
                if interpreter::is_function(&object)? {
                    found.push(object.clone());
                }
                open.push(object);
            }
        }
    }
    Ok(found)
}

/// The plain function within what a name is bound to: behind `property`, `classmethod`, `staticmethod`,
/// `functools.partial` and wrappers that keep `__wrapped__`.
#[must_use]
pub fn plain_function<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    const DEEPEST: usize = 20;
    let mut object = object.clone();
    for _ in 0..DEEPEST {
        let is_function = interpreter::is_function(&object).unwrap_or(false);
        let inside =
            ["__wrapped__", "__func__", "fget", "func"].iter().find_map(|name| object.getattr(*name).ok());
        match inside {
            Some(inside) if !inside.is_none() => object = inside,
            _ if is_function => return Some(object),
            _ => return None,
        }
    }
    None
}
