//! Classes that are registered with abstract base classes (`abc.ABCMeta.register`): who they are, and how one is
//! taken out again, which `abc` has no function for.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The classes that are registered with a class itself, if it is an abstract base class.
///
/// # Errors
/// What `abc` raises.
pub fn of<'py>(base: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let py = base.py();
    let meta = py.import(intern!(py, "abc"))?.getattr(intern!(py, "ABCMeta"))?;
    // Where `abc` is not what CPython has, registrations are nobody's to take back.
    let Ok(tool) = py.import(intern!(py, "_abc")) else { return Ok(Vec::new()) };
    if !base.get_type().is_subclass(&meta)? {
        return Ok(Vec::new());
    }
    let registered = tool.getattr(intern!(py, "_get_dump"))?.call1((base,))?.get_item(0)?;
    let mut found = Vec::new();
    for reference in registered.try_iter()? {
        let class = reference?.call0()?;
        if class.is_instance_of::<PyType>() {
            found.push(class);
        }
    }
    Ok(found)
}

/// The class, if it is registered.
///
/// # Errors
/// See [`of`].
pub fn read<'py>(base: &Bound<'py, PyAny>, class: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(of(base)?.into_iter().find(|registered| registered.is(class)))
}

/// Registers the class, or takes it out: the others are registered anew.
///
/// # Errors
/// See [`of`].
pub fn write(base: &Bound<'_, PyAny>, class: &Bound<'_, PyAny>, wanted: bool) -> PyResult<()> {
    if wanted {
        return base.call_method1(intern!(base.py(), "register"), (class,)).map(drop);
    }
    let registered = of(base)?;
    for clear in ["_abc_registry_clear", "_abc_caches_clear"] {
        base.call_method0(clear)?;
    }
    for other in registered.iter().filter(|other| !other.is(class)) {
        base.call_method1(intern!(base.py(), "register"), (other,))?;
    }
    Ok(())
}
