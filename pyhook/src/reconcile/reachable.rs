//! Functions that can be reached from namespaces through what the objects there refer to. Those of most modules
//! are all found so, and the count of references to the namespace proves it: then nobody needs to look through
//! all objects of the process.

use super::containers::{Containers, is_heap_type};
use super::{records, scope};
use crate::interpreter;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyModule, PyString, PyTuple, PyType};
use std::collections::HashSet;

/// So many references are followed before all objects of the process are looked through instead.
const MOST: usize = 15_000;
/// References to its namespace that a module has.
const OF_MODULE: usize = 1;

/// All functions whose globals are the namespace of a module, to which the caller has `held` references. `None`
/// where it can't be told that they are all: one is held by what is not looked into, or the body runs.
///
/// Each function owns a reference to its globals (CPython's `Objects/funcobject.c`), the module owns one, and
/// records of ours may. Where these make up the count, there is no other function.
///
/// # Errors
/// What the garbage collector's functions raise.
pub fn all<'py>(namespace: &Bound<'py, PyDict>, held: usize) -> PyResult<Option<Vec<Bound<'py, PyAny>>>> {
    let py = namespace.py();
    let name = name_of_module(namespace)?.filter(|_| namespace.len() <= MOST);
    let Some(name) = name else { return Ok(None) };
    let (containers, builtins) = (Containers::of(py)?, namespace.get_item(intern!(py, "__builtins__"))?);
    // What is behind functions, their closures above all, is looked into where it is needed; and so are the
    // other classes of the package, since some say that they are of another module of it.
    for (deep, package) in [(false, false), (true, false), (true, true)] {
        let enters = |object: &Bound<'py, PyAny>| match object.cast::<PyType>() {
            Ok(class) => is_near(class, &name, package),
            Err(_) if deep && interpreter::is_function(object).unwrap_or(false) => true,
            Err(_) => containers.enters(object) && !builtins.as_ref().is_some_and(|own| own.is(object)),
        };
        let start = namespace.values().iter().chain(overloads(py, &name)?).collect();
        let mut functions = walk(py, start, MOST, enters)?;
        functions.retain(|function| {
            let globals = function.getattr(intern!(py, "__globals__"));
            globals.is_ok_and(|globals| globals.is(namespace))
        });
        let known = functions.len() + records::references(py, namespace) + held + OF_MODULE;
        // SAFETY: it is alive; with the GIL nobody else counts.
        if unsafe { ffi::Py_REFCNT(namespace.as_ptr()) } == known.cast_signed() {
            return Ok(Some(functions));
        }
    }
    Ok(None)
}

/// All functions that can be reached from the loaded modules, for processes with frozen objects.
///
/// Module objects themselves are passed over, their namespaces are not: some C modules' traversal hands out
/// memory that is no object any more (`_asyncio` up to 3.13, python/cpython#122695).
///
/// # Errors
/// What the garbage collector's functions raise.
pub fn everywhere<'py>(py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let is_tracked = py.import(intern!(py, "gc"))?.getattr(intern!(py, "is_tracked"))?;
    let modules = interpreter::modules(py)?.values();
    let namespace = |module: Bound<'py, PyAny>| Some(module.cast_into::<PyModule>().ok()?.dict().into_any());
    walk(py, modules.iter().filter_map(namespace).collect(), usize::MAX, |object| {
        let tracked = || is_tracked.call1((object,)).and_then(|tracked| tracked.is_truthy());
        !object.is_instance_of::<PyModule>() && tracked().unwrap_or(false)
    })
}

/// Follows references from some objects on, through those that `enters` accepts, until no more are left or so
/// many have been followed: the functions met, each once.
fn walk<'py>(
    py: Python<'py>,
    mut open: Vec<Bound<'py, PyAny>>,
    most: usize,
    enters: impl Fn(&Bound<'py, PyAny>) -> bool,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    const BATCH: usize = 128;
    let referents = py.import(intern!(py, "gc"))?.getattr(intern!(py, "get_referents"))?;
    let (mut seen, mut functions, mut followed) = (HashSet::new(), Vec::new(), 0);
    while !open.is_empty() && followed < most {
        let batch = open.split_off(open.len().saturating_sub(BATCH));
        followed += batch.len();
        let mut entered = Vec::new();
        for object in batch {
            let (is_function, is_entered) = (interpreter::is_function(&object)?, enters(&object));
            if (is_function || is_entered) && seen.insert(object.as_ptr() as usize) {
                functions.extend(is_function.then(|| object.clone()));
                entered.extend(is_entered.then_some(object));
            }
        }
        if !entered.is_empty() {
            let next = referents.call1(PyTuple::new(py, entered)?)?.cast_into::<PyList>()?;
            open.extend(next.iter());
        }
    }
    Ok(functions)
}

/// Tables of the functions of a module that `typing.overload` keeps, since 3.11.
fn overloads<'py>(py: Python<'py>, module: &str) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let Some(typing) = interpreter::namespace(py, "typing")? else { return Ok(Vec::new()) };
    let table = |object: Bound<'py, PyAny>| object.cast_into::<PyDict>().ok();
    let Some(modules) = typing.get_item(intern!(py, "_overload_registry"))?.and_then(table) else {
        return Ok(Vec::new());
    };
    Ok(modules.get_item(module)?.and_then(table).map_or(Vec::new(), |kept| kept.values().iter().collect()))
}

/// The name of the module in `sys.modules` that has this namespace.
fn name_of_module(namespace: &Bound<'_, PyDict>) -> PyResult<Option<String>> {
    let Some(name) = namespace.get_item(intern!(namespace.py(), "__name__"))? else { return Ok(None) };
    let Ok(name) = name.cast_into_exact::<PyString>() else { return Ok(None) };
    let module = interpreter::modules(namespace.py())?.get_item(&name)?;
    let module = module.and_then(|module| module.cast_into::<PyModule>().ok());
    Ok(module.filter(|module| module.dict().is(namespace)).and_then(|_| name.extract().ok()))
}

/// Whether the class is the module's own by its name, or of the module's package.
fn is_near(class: &Bound<'_, PyType>, module: &str, package: bool) -> bool {
    if !is_heap_type(class) {
        return false;
    }
    let own = scope::attribute(class, "__module__").and_then(|name| name.extract::<String>().ok());
    let top = |name: &str| name.split('.').next().map(str::to_owned);
    own.is_some_and(|own| own == module || package && top(&own) == top(module))
}
