//! Which objects are looked into on the way to functions: the interpreter's own containers, and descriptors
//! written in Python. What others hand out when they are traversed is not known.

use crate::interpreter;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyTuple, PyType};
use std::ffi::{c_int, c_void};

/// Longer tables are data.
const LONGEST: usize = 1_000;

/// Types whose objects are looked into, beside tables, lists, tuples and sets.
pub struct Containers<'py> {
    own: Vec<Bound<'py, PyAny>>,
    /// Bases of descriptors written in Python.
    bases: Vec<Bound<'py, PyAny>>,
    /// `tp_traverse` of classes written in Python.
    traverse: *mut c_void,
}

impl<'py> Containers<'py> {
    /// Those of this interpreter, as far as they are loaded.
    ///
    /// # Errors
    /// What the interpreter raises; nothing in a sound one.
    pub fn of(py: Python<'py>) -> PyResult<Self> {
        let bases = named(py, "builtins", &["object", "staticmethod", "classmethod", "property"])?;
        let mut own = named(py, "functools", &["partial", "_lru_cache_wrapper"])?;
        own.extend(bases.iter().skip(1).cloned());
        own.push(interpreter::builtins(py)?.cell.bind(py).clone().into_any());
        let plain = named(py, "_frozen_importlib", &["ModuleSpec"])?;
        let plain = plain.first().and_then(|class| class.cast::<PyType>().ok());
        let traverse = plain.map_or(std::ptr::null_mut(), |class| slot(class, ffi::Py_tp_traverse));
        Ok(Self { own, bases, traverse })
    }

    /// Whether an object is looked into.
    pub fn enters(&self, object: &Bound<'py, PyAny>) -> bool {
        if let Ok(table) = object.cast_exact::<PyDict>() {
            // That of another module is what functions run with.
            let is_namespace = || table.contains(intern!(object.py(), "__builtins__")).unwrap_or(true);
            return table.len() <= LONGEST && !is_namespace();
        }
        let is_plain = object.is_exact_instance_of::<PyTuple>()
            || object.is_exact_instance_of::<PyList>()
            || object.is_exact_instance_of::<PySet>()
            || object.is_exact_instance_of::<PyFrozenSet>();
        if is_plain {
            return object.len().is_ok_and(|length| length <= LONGEST);
        }
        let kind = object.get_type();
        self.own.iter().any(|own| kind.is(own)) || self.is_descriptor(&kind)
    }

    /// Whether objects of this type are descriptors written in Python: as frameworks have their own
    /// `cached_property` or `classonlymethod`.
    fn is_descriptor(&self, kind: &Bound<'py, PyType>) -> bool {
        if !is_heap_type(kind) || slot(kind, ffi::Py_tp_descr_get).is_null() || self.traverse.is_null() {
            return false;
        }
        let mut class = kind.clone();
        while is_heap_type(&class) {
            let base = slot(&class, ffi::Py_tp_base).cast::<ffi::PyObject>();
            // SAFETY: `tp_base` is null or a type that the class keeps alive.
            let base = unsafe { Bound::from_borrowed_ptr_or_opt(class.py(), base) };
            let plain = slot(&class, ffi::Py_tp_traverse) == self.traverse;
            match base.and_then(|base| base.cast_into::<PyType>().ok()).filter(|_| plain) {
                Some(base) => class = base,
                None => return false,
            }
        }
        self.bases.iter().any(|base| class.is(base))
    }
}

/// Whether a type was made while the interpreter runs, as all classes written in Python are.
pub fn is_heap_type(kind: &Bound<'_, PyType>) -> bool {
    // SAFETY: it is a type, and alive.
    unsafe { ffi::PyType_GetFlags(kind.as_type_ptr()) & ffi::Py_TPFLAGS_HEAPTYPE != 0 }
}

/// A slot of a heap type; those of other types can't be asked for before 3.10.
fn slot(kind: &Bound<'_, PyType>, number: c_int) -> *mut c_void {
    // SAFETY: it is a heap type, and alive; the number is one of `typeslots.h`.
    unsafe { ffi::PyType_GetSlot(kind.as_type_ptr(), number) }
}

/// What some names of a module are bound to, as far as it is loaded and has them.
fn named<'py>(py: Python<'py>, module: &str, names: &[&str]) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut found = Vec::new();
    if let Some(namespace) = interpreter::namespace(py, module)? {
        for name in names {
            found.extend(namespace.get_item(name)?);
        }
    }
    Ok(found)
}
