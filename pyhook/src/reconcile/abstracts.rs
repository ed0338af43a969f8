//! Which methods of a class are abstract: `abc` computes that when it makes a class, so what a patch changes has
//! to be computed again, for the class and for all classes below it (`abc.update_abstractmethods`).

use super::scope;
use super::slot::Slot;
use super::transaction::{Purpose, Transaction};
use crate::interpreter;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyFrozenSet, PyList, PyType};
use std::collections::BTreeSet;

/// Most classes below a class that are looked at.
const MOST: usize = 4096;

/// Computes the abstract methods of a class and of its subclasses anew, where their metaclass is `abc`'s.
///
/// # Errors
/// What reading the classes raises.
pub fn update(
    py: Python<'_>,
    class: &Bound<'_, PyType>,
    purpose: Purpose<'_>,
    transaction: &mut Transaction,
) -> PyResult<()> {
    if scope::attribute(class, "__abstractmethods__").is_none() {
        return Ok(());
    }
    let mut open = vec![class.clone()];
    let subclasses = py.get_type::<PyType>().getattr(intern!(py, "__subclasses__"))?;
    for _ in 0..MOST {
        let Some(class) = open.pop() else { break };
        let before: BTreeSet<String> = named(&class);
        let after = abstracts(&class)?;
        if before != after {
            let value = PyFrozenSet::new(py, &after)?.into_any();
            let slot = Slot::Class(class.clone().into_any().unbind(), "__abstractmethods__".to_owned());
            transaction.put(py, purpose, slot, Some(value))?;
            for below in subclasses.call1((&class,))?.cast_into::<PyList>()?.iter() {
                open.extend(below.cast_into::<PyType>());
            }
        }
    }
    Ok(())
}

fn named(class: &Bound<'_, PyType>) -> BTreeSet<String> {
    let value = scope::attribute(class, "__abstractmethods__");
    value.and_then(|value| value.extract().ok()).unwrap_or_default()
}

/// As `abc` computes them: what the class's own namespace marks, and what it leaves abstract of its bases.
fn abstracts(class: &Bound<'_, PyType>) -> PyResult<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for base in class.bases().iter() {
        let Ok(base) = base.cast_into::<PyType>() else { continue };
        for name in named(&base) {
            let value = class.mro().iter().find_map(|kind| scope::attribute(&kind.cast_into().ok()?, &name));
            if value.is_some_and(|value| is_abstract(&value)) {
                found.insert(name);
            }
        }
    }
    let own = scope::names(class).into_iter();
    found.extend(own.filter(|name| scope::attribute(class, name).is_some_and(|value| is_abstract(&value))));
    Ok(found)
}

fn is_abstract(value: &Bound<'_, PyAny>) -> bool {
    let known = interpreter::is_function(value).unwrap_or(false)
        || interpreter::type_name(value)
            .is_some_and(|(module, _)| module == "builtins" || module == "functools");
    known && value.getattr("__isabstractmethod__").is_ok_and(|told| told.is_truthy().unwrap_or(false))
}
