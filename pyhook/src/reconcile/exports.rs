//! What a module gives to those that import everything from it, and who has objects of it.

use super::identity;
use crate::interpreter;
use patchctl_protocol::plan::{Action, Step};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::BTreeSet;

/// The names in `__all__`.
///
/// # Errors
/// What reading it raises, or that something in it is no text.
pub fn names(all: &Bound<'_, PyAny>) -> PyResult<BTreeSet<String>> {
    all.try_iter()?.map(|name| name?.extract()).collect()
}

/// The names that a star import takes from a namespace.
///
/// # Errors
/// See [`names`].
pub fn exported(namespace: &Bound<'_, PyDict>) -> PyResult<BTreeSet<String>> {
    if let Some(all) = namespace.get_item("__all__")? {
        return names(&all);
    }
    let names = namespace.keys().iter().filter_map(|key| key.extract::<String>().ok());
    Ok(names.filter(|name| !name.starts_with('_')).collect())
}

/// The public names that steps may add to what a module exports.
pub fn may_export(steps: &[Step]) -> Vec<String> {
    let own = steps.iter().filter(|step| step.scope.is_empty() && step.action == Action::Execute);
    let names = own.flat_map(|step| step.binds.iter().filter(|name| !step.replaces || *name == "__all__"));
    names.filter(|name| !name.starts_with('_') || *name == "__all__").cloned().collect()
}

/// The other modules which have one of a module's public objects under the same name: name and namespace.
///
/// # Errors
/// What looking raises.
pub fn sharing<'py>(
    giver: &Bound<'py, PyDict>,
    went: &[(String, Bound<'py, PyAny>)],
) -> PyResult<Vec<(String, Bound<'py, PyDict>)>> {
    let mut known: Vec<(String, Bound<'py, PyAny>)> = went.to_vec();
    for exported in exported(giver)? {
        known.extend(giver.get_item(&exported)?.map(|value| (exported, value)));
    }
    known.retain(|(_, value)| !identity::is_common(value));
    let mut others = interpreter::others(giver)?;
    others.retain(|(_, other)| {
        let shares = |(name, value): &(String, Bound<'py, PyAny>)| {
            other.get_item(name).ok().flatten().is_some_and(|own| own.is(value))
        };
        known.iter().any(shares)
    });
    Ok(others)
}
