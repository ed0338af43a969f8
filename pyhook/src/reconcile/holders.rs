//! Finding every function of a module that lives in the process, wherever it is held: closures, decorated
//! functions, registries, bound methods kept by others. All of them refer to the module's namespace as
//! their globals: they are looked for from there, and in all objects where that does not find them all.

use super::{reachable, scope};
use crate::interpreter;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet, PyString, PyTuple, PyType};
use pyo3::{ffi, intern};
use std::collections::{HashMap, HashSet};

/// A function object and the code it runs now.
pub struct Holder<'py> {
    pub function: Bound<'py, PyAny>,
    pub code: Bound<'py, PyAny>,
}

/// CPython 3.12 freezes 375 objects of its own at start; an application that freezes has many more.
const FROZEN_AT_START: usize = 1000;

/// Functions by the address of the namespace that is their globals.
pub struct Functions<'py> {
    by_globals: HashMap<usize, Vec<Holder<'py>>>,
    seen: HashSet<usize>,
}

impl<'py> Functions<'py> {
    /// All functions whose globals are these namespaces; the application waits meanwhile. Beside each stands how
    /// many references to it the caller has: where that is so, most are found without a pass over all objects.
    ///
    /// # Errors
    /// What the garbage collector's functions raise.
    pub fn of(py: Python<'py>, namespaces: &[(&Bound<'py, PyDict>, usize)]) -> PyResult<Self> {
        let globals = namespaces.iter().map(|(namespace, _)| (namespace.as_ptr() as usize, Vec::new()));
        let mut found = Self { by_globals: globals.collect(), seen: HashSet::new() };
        let mut hidden = Vec::new();
        for (namespace, held) in namespaces {
            match reachable::all(namespace, *held)? {
                Some(functions) => functions.into_iter().try_for_each(|function| found.add(function))?,
                None => hidden.push((*namespace).clone().into_any()),
            }
        }
        if !hidden.is_empty() {
            found.search(py, &hidden)?;
        }
        Ok(found)
    }

    /// One pass over all objects of the process.
    fn search(&mut self, py: Python<'py>, namespaces: &[Bound<'py, PyAny>]) -> PyResult<()> {
        for object in interpreter::referrers(py, namespaces)?.iter() {
            self.add(object)?;
        }
        let gc = py.import(intern!(py, "gc"))?;
        // After `gc.freeze()` (pre-fork servers call it) the collector does not see what is frozen.
        if gc.getattr("get_freeze_count")?.call0()?.extract::<usize>()? > FROZEN_AT_START {
            reachable::everywhere(py)?.into_iter().try_for_each(|function| self.add(function))?;
        }
        Ok(())
    }

    /// Takes out those of a namespace.
    pub fn take(&mut self, namespace: &Bound<'py, PyDict>) -> Vec<Holder<'py>> {
        self.by_globals.remove(&(namespace.as_ptr() as usize)).unwrap_or_default()
    }

    /// Those of a namespace.
    pub fn get(&self, namespace: &Bound<'py, PyDict>) -> &[Holder<'py>] {
        self.by_globals.get(&(namespace.as_ptr() as usize)).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, object: Bound<'py, PyAny>) -> PyResult<()> {
        if !interpreter::is_function(&object)? || !self.seen.insert(object.as_ptr() as usize) {
            return Ok(());
        }
        let globals = object.getattr(intern!(object.py(), "__globals__"))?.as_ptr() as usize;
        if let Some(functions) = self.by_globals.get_mut(&globals) {
            let code = object.getattr(intern!(object.py(), "__code__"))?;
            functions.push(Holder { function: object, code });
        }
        Ok(())
    }
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
            ["__wrapped__", "__func__", "fget", "func"].iter().find_map(|name| stored(&object, name));
        match inside {
            Some(inside) if !inside.is_none() => object = inside,
            _ if is_function => return Some(object),
            _ => return None,
        }
    }
    None
}

/// What an object itself keeps under a name, read without running code of the application: an object may make up
/// attributes as it is asked for them (`__getattr__`), and keep them.
pub fn stored<'py>(object: &Bound<'py, PyAny>, name: &str) -> Option<Bound<'py, PyAny>> {
    const OWN: [&str; 2] = ["getset_descriptor", "member_descriptor"];
    let py = object.py();
    for class in object.get_type().mro().iter().filter_map(|class| class.cast_into::<PyType>().ok()) {
        let Some(found) = scope::attribute(&class, name) else { continue };
        let is_own = interpreter::type_name(&found).is_some_and(|(_, sort)| OWN.contains(&sort.as_str()));
        if !is_own && !found.is_none() {
            return None;
        }
        break;
    }
    let name = PyString::intern(py, name);
    // SAFETY: with the GIL, of two objects that are alive; answers with a new reference or an exception.
    unsafe {
        let value = ffi::PyObject_GenericGetAttr(object.as_ptr(), name.as_ptr());
        Bound::from_owned_ptr_or_err(py, value).ok()
    }
}

/// The functions in a value made of tables, lists, tuples and sets.
///
/// # Errors
/// What iterating raises.
pub fn functions_in<'py>(value: &Bound<'py, PyAny>, found: &mut Vec<Bound<'py, PyAny>>) -> PyResult<()> {
    if interpreter::is_function(value)? {
        found.push(value.clone());
        return Ok(());
    }
    let members = match value.cast_exact::<PyDict>() {
        Ok(table) => table.values().into_any(),
        Err(_) => value.clone(),
    };
    let container = value.is_exact_instance_of::<PyDict>()
        || value.is_exact_instance_of::<PyList>()
        || value.is_exact_instance_of::<PyTuple>()
        || value.is_exact_instance_of::<PySet>();
    if container {
        for member in members.try_iter()? {
            functions_in(&member?, found)?;
        }
    }
    Ok(())
}
