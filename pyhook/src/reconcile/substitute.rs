//! Another function in the place of one that can't take its code, wherever that is held: in namespaces and other
//! dictionaries, which can be told and put back. Calls of it that are under way end as they began.

use super::slot::Slot;
use super::transaction::{Purpose, Transaction};
use crate::interpreter;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What refers to a function because a call of it is under way.
const CALLS: [&str; 4] = ["frame", "generator", "coroutine", "async_generator"];

/// Puts `target` wherever a dictionary holds `function`. Answers with the type of what else holds it, where
/// something does: then it can't be replaced.
pub fn substitute<'py>(
    py: Python<'py>,
    purpose: Purpose<'_>,
    (function, target): (&Bound<'py, PyAny>, &Bound<'py, PyAny>),
    transaction: &mut Transaction,
) -> PyResult<Option<String>> {
    let mut slots = Vec::new();
    for object in interpreter::referrers(py, std::slice::from_ref(function))?.iter() {
        let kind = object.get_type().name()?.to_string();
        match object.cast_exact::<PyDict>() {
            Ok(dictionary) => {
                let held = dictionary.iter().filter(|(_, value)| value.is(function));
                slots.extend(held.map(|(key, _)| (dictionary.clone(), key)));
            }
            Err(_) if CALLS.contains(&kind.as_str()) => {}
            Err(_) => return Ok(Some(kind)),
        }
    }
    for (dictionary, key) in slots {
        let slot = Slot::Item(dictionary.into_any().unbind(), key.unbind());
        transaction.put(py, purpose, slot, Some(target.clone()))?;
    }
    Ok(None)
}
