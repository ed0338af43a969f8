//! Which members a protocol asks for: `typing` computes that when the class is made (since 3.12), so what a patch
//! changes has to be computed again, for the class and for all protocols below it.

use super::scope;
use super::slot::Slot;
use super::transaction::{Purpose, Transaction};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PySet, PyType};

/// The members, and what is known of them: whether all can be called (3.12), or which can't (since 3.13).
const MEMBERS: &str = "__protocol_attrs__";
const ALL_CALLED: &str = "__callable_proto_members_only__";
const NOT_CALLED: &str = "__non_callable_proto_members__";

/// Most classes below a class that are looked at.
const MOST: usize = 4096;

/// Computes the members of a protocol and of those below it anew.
///
/// # Errors
/// What reading the classes raises.
pub fn update(
    py: Python<'_>,
    class: &Bound<'_, PyType>,
    purpose: Purpose<'_>,
    transaction: &mut Transaction,
) -> PyResult<()> {
    let mut open = vec![class.clone()];
    let subclasses = py.get_type::<PyType>().getattr(intern!(py, "__subclasses__"))?;
    for _ in 0..MOST {
        let Some(class) = open.pop() else { break };
        let Some(before) = scope::attribute(&class, MEMBERS) else { continue };
        let maker = class.get_type().getattr(intern!(py, "__module__"))?.extract::<String>()?;
        let after = py.import(maker.as_str())?.getattr("_get_protocol_attrs")?.call1((&class,))?;
        if !before.eq(&after)? {
            for (name, value) in told(&class, &after)? {
                let slot = Slot::Class(class.clone().into_any().unbind(), name.to_owned());
                transaction.put(py, purpose, slot, Some(value))?;
            }
            for below in subclasses.call1((&class,))?.try_iter()? {
                open.extend(below?.cast_into::<PyType>());
            }
        }
    }
    Ok(())
}

type Told<'py> = Vec<(&'static str, Bound<'py, PyAny>)>;

/// What the class has of that, with these members.
fn told<'py>(class: &Bound<'py, PyType>, members: &Bound<'py, PyAny>) -> PyResult<Told<'py>> {
    let py = class.py();
    let not_called = PySet::empty(py)?;
    for name in members.try_iter()? {
        let name = name?;
        let value = class.getattr(name.extract::<String>()?);
        if !value.is_ok_and(|value| value.is_callable()) {
            not_called.add(name)?;
        }
    }
    let all_called = PyBool::new(py, not_called.is_empty()).to_owned().into_any();
    let all = [(MEMBERS, members.clone()), (ALL_CALLED, all_called), (NOT_CALLED, not_called.into_any())];
    Ok(all.into_iter().filter(|(name, _)| scope::attribute(class, name).is_some()).collect())
}
