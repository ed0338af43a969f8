//! What `abc` remembers of `isinstance` and `issubclass`: its answers were computed from classes as they were, so
//! those about changed classes are forgotten.

use super::slot::Slot;
use super::transaction::Transaction;
use super::{holders, scope};
use crate::interpreter;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyInt, PyType};

/// Most classes that are looked at.
const MOST: usize = 50_000;

/// Methods that answer such questions.
const HOOKS: [&str; 2] = ["__subclasshook__", "__instancecheck__"];

/// Has abstract base classes that a transaction changed, and those below, forget what they answered; and every
/// other one what it denied. Where a class lost something, all of them forget all.
///
/// # Errors
/// What `abc` raises.
pub fn forget(py: Python<'_>, transaction: &Transaction) -> PyResult<()> {
    let mut open = changed(py, transaction)?;
    if open.is_empty() {
        return Ok(());
    }
    let meta = py.import(intern!(py, "abc"))?.getattr(intern!(py, "ABCMeta"))?;
    let clear = meta.getattr("_abc_caches_clear")?;
    if transaction
        .stored()
        .iter()
        .any(|stored| matches!(stored.slot, Slot::Class(..)) && stored.after.is_none())
    {
        open = vec![py.get_type::<PyAny>()];
    }
    let subclasses = py.get_type::<PyType>().getattr(intern!(py, "__subclasses__"))?;
    for _ in 0..MOST {
        let Some(class) = open.pop() else { break };
        if class.get_type().is_subclass(&meta)? {
            clear.call1((&class,))?;
        }
        for below in subclasses.call1((&class,))?.try_iter()? {
            open.extend(below?.cast_into::<PyType>());
        }
    }
    forget_denied(&meta)
}

/// Denials hold until a class is registered anywhere.
fn forget_denied(meta: &Bound<'_, PyAny>) -> PyResult<()> {
    static OWN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = meta.py();
    let make = || meta.call1(("patchctl", (), PyDict::new(py))).map(Bound::unbind);
    let own = OWN.get_or_try_init(py, make)?.bind(py);
    for clear in ["_abc_registry_clear", "_abc_caches_clear"] {
        own.call_method0(clear)?;
    }
    own.call_method1("register", (py.get_type::<PyInt>(),)).map(drop)
}

/// The classes into which was stored, and those whose answers get new code.
fn changed<'py>(py: Python<'py>, transaction: &Transaction) -> PyResult<Vec<Bound<'py, PyType>>> {
    let mut found: Vec<Bound<'py, PyType>> = Vec::new();
    for stored in transaction.stored() {
        let class = match &stored.slot {
            Slot::Class(class, _) => class.bind(py).cast::<PyType>().ok().cloned(),
            Slot::Attribute(function, name) if name == "__code__" => answered_by(function.bind(py))?,
            _ => None,
        };
        found.extend(class.filter(|class| !found.iter().any(|known| known.is(class))));
    }
    Ok(found)
}

/// The class that a function answers such questions for.
fn answered_by<'py>(function: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyType>>> {
    let qualname = interpreter::text(function, "__qualname__").unwrap_or_default();
    let Some((class, name)) = qualname.rsplit_once('.') else { return Ok(None) };
    if !HOOKS.contains(&name) {
        return Ok(None);
    }
    let namespace = function.getattr("__globals__")?.cast_into::<PyDict>()?;
    let names: Vec<String> = class.split('.').map(str::to_owned).collect();
    let class = scope::class(&namespace, &names).ok();
    let own = |class: &Bound<'py, PyType>| {
        let method = scope::attribute(class, name).as_ref().and_then(holders::plain_function);
        method.is_some_and(|method| method.is(function))
    };
    Ok(class.filter(own))
}
