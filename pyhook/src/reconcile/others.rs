//! The namespaces of the other modules, and which of their names are bound to some objects.

use crate::interpreter;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::collections::HashMap;
use std::ptr;

/// All loaded modules but one, looked through once for many objects.
pub struct Others<'py> {
    /// Each with the name that it has in `sys.modules`.
    pub modules: Vec<(String, Bound<'py, PyDict>)>,
    /// The addresses of the objects that were looked for, sorted: they are few, and every name of every module is
    /// held against them.
    sought: Vec<usize>,
    /// Modules (by index) and names, by the address of what they are bound to.
    bound: HashMap<usize, Vec<(usize, String)>>,
}

impl<'py> Others<'py> {
    /// Those beside the module with this namespace.
    ///
    /// # Errors
    /// What looking through `sys.modules` raises.
    pub fn of(own: &Bound<'py, PyDict>) -> PyResult<Self> {
        let modules = interpreter::others(own)?;
        Ok(Self { modules, sought: Vec::new(), bound: HashMap::new() })
    }

    /// Looks for the names that are bound to any of these objects, in one pass.
    pub fn seek<'a>(&mut self, objects: impl IntoIterator<Item = &'a Bound<'py, PyAny>>)
    where
        'py: 'a,
    {
        self.sought = objects.into_iter().map(|object| object.as_ptr() as usize).collect();
        self.sought.sort_unstable();
        self.bound.clear();
        if self.sought.is_empty() {
            return;
        }
        for (index, (_, namespace)) in self.modules.iter().enumerate() {
            for (key, value) in held(namespace, &self.sought) {
                if let Ok(key) = key.extract::<String>() {
                    self.bound.entry(value).or_default().push((index, key));
                }
            }
        }
    }

    /// Modules (by index) and names that are bound to an object, by the last pass if it was looked for there.
    pub fn bound(&mut self, object: &Bound<'py, PyAny>) -> Vec<(usize, String)> {
        if !is_among(&self.sought, object) {
            self.seek([object]);
        }
        let found = self.bound.get(&(object.as_ptr() as usize)).cloned().unwrap_or_default();
        found.into_iter().filter(|(index, name)| self.has(*index, name, object)).collect()
    }

    /// Modules (by index) that have an object under this very name.
    pub fn bound_as(&self, name: &str, object: &Bound<'py, PyAny>) -> Vec<(usize, String)> {
        let all = (0..self.modules.len()).filter(|index| self.has(*index, name, object));
        all.map(|index| (index, name.to_owned())).collect()
    }

    fn has(&self, index: usize, name: &str, object: &Bound<'py, PyAny>) -> bool {
        let name = PyString::intern(object.py(), name);
        self.modules[index].1.get_item(name).ok().flatten().is_some_and(|value| value.is(object))
    }
}

/// Whether an object's address is one of these, which are sorted.
fn is_among(addresses: &[usize], object: &Bound<'_, PyAny>) -> bool {
    addresses.binary_search(&(object.as_ptr() as usize)).is_ok()
}

/// The keys whose values have one of these addresses, which are sorted, with that.
fn held<'py>(namespace: &Bound<'py, PyDict>, addresses: &[usize]) -> Vec<(Bound<'py, PyAny>, usize)> {
    let mut found = Vec::new();
    let (mut position, mut key, mut value) = (0, ptr::null_mut(), ptr::null_mut());
    // SAFETY: the GIL is held, and nothing in the loop runs Python code or could let another thread run: the
    // dictionary stays as it is, and its entries, which are borrowed, alive. Names by the thousand are passed
    // over without counting a reference.
    unsafe {
        while ffi::PyDict_Next(namespace.as_ptr(), &raw mut position, &raw mut key, &raw mut value) != 0 {
            if addresses.binary_search(&(value as usize)).is_ok() {
                found.push((Bound::from_borrowed_ptr(namespace.py(), key), value as usize));
            }
        }
    }
    found
}
