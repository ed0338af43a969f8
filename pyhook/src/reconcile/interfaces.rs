//! Objects that a class statement makes and that are no classes (`zope.interface`): their functions run nowhere, they
//! are words for people, which stay as they were read when the object was made.

use super::scope;
use crate::interpreter;
use patchctl_protocol::plan::{Plan, Stale, Step};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

/// Whether a scope is such an object: it has a name and bases as a class does.
pub fn is_one(namespace: &Bound<'_, PyDict>, names: &[String]) -> bool {
    let Some((last, outer)) = names.split_last() else { return false };
    let Some(value) = scope::lookup(namespace, outer, last) else { return false };
    !value.is_instance_of::<PyType>()
        && value.hasattr("__bases__").unwrap_or(false)
        && interpreter::text(&value, "__name__").as_ref() == Some(last)
}

/// Whether a function (by its dotted name) is defined within such an object.
pub fn is_within(namespace: &Bound<'_, PyDict>, qualname: &str) -> bool {
    let names: Vec<String> = qualname.split('.').map(str::to_owned).collect();
    names.split_last().is_some_and(|(_, scope)| is_one(namespace, scope))
}

/// What stays of the changes of a module's functions within such objects.
pub fn functions(namespace: &Bound<'_, PyDict>, content: Option<&Plan>) -> Vec<Stale> {
    let changes = content.into_iter().flat_map(|content| &content.functions);
    let own = changes.filter(|change| is_one(namespace, &change.scope));
    own.map(|change| stale(namespace, change.qualname.clone(), change.new_line)).collect()
}

/// What stays of a step within such an object.
pub fn step(namespace: &Bound<'_, PyDict>, step: &Step) -> Vec<Stale> {
    step.binds.iter().map(|name| stale(namespace, step.label(name), step.line)).collect()
}

fn stale(namespace: &Bound<'_, PyDict>, name: String, line: u32) -> Stale {
    let because = "what its metaclass made of it".to_owned();
    Stale { name, line, because, file: scope::text(namespace, "__file__") }
}
