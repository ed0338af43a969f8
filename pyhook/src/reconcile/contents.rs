//! What containers of Python's own kinds hold: kept beside a statement that changes them in place, and put back
//! entry by entry where others have changed them since.

use crate::interpreter;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet};

/// Bigger ones are not copied: the application waits meanwhile.
const MOST: usize = 100_000;

/// Whether its contents can be kept; those of `sys.modules`, where imports put what they make, are not ours.
pub fn are_kept(object: &Bound<'_, PyAny>) -> bool {
    let Some((module, _)) = interpreter::type_name(object) else { return false };
    if interpreter::modules(object.py()).is_ok_and(|modules| modules.is(object)) {
        return false;
    }
    let own = matches!(module.as_str(), "builtins" | "collections");
    let kind = object.is_instance_of::<PyDict>()
        || object.is_instance_of::<PyList>()
        || object.is_instance_of::<PySet>();
    own && kind && object.len().is_ok_and(|length| length <= MOST)
}

/// A copy of the contents: a plain container of that kind.
///
/// # Errors
/// What copying raises.
pub fn copy<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(dict) = object.cast::<PyDict>() {
        return Ok(dict.copy()?.into_any());
    }
    if let Ok(list) = object.cast::<PyList>() {
        return Ok(list.get_slice(0, list.len()).into_any());
    }
    object.py().get_type::<PySet>().call1((object,))
}

/// Has a container hold what a copy does.
///
/// # Errors
/// What the container raises.
pub fn store(object: &Bound<'_, PyAny>, contents: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(list) = object.cast::<PyList>() {
        return list.set_slice(0, list.len(), contents);
    }
    object.call_method0("clear")?;
    object.call_method1("update", (contents,)).map(drop)
}

/// What a container with these contents holds without the change that led from `before` to `after`.
///
/// # Errors
/// What comparing keys raises.
pub fn without<'py>(
    now: &Bound<'py, PyAny>,
    before: &Bound<'py, PyAny>,
    after: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    if is_same(now, after)? {
        return Ok(before.clone());
    }
    match (now.cast::<PyDict>(), before.cast::<PyDict>(), after.cast::<PyDict>()) {
        (Ok(now), Ok(before), Ok(after)) => entries_without(now, before, after).map(Bound::into_any),
        _ => members_without(now, before, after),
    }
}

fn entries_without<'py>(
    now: &Bound<'py, PyDict>,
    before: &Bound<'py, PyDict>,
    after: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyDict>> {
    let left = now.copy()?;
    for (key, value) in after {
        let is_ours = now.get_item(&key)?.is_some_and(|now| now.is(&value));
        match before.get_item(&key)? {
            Some(old) if is_ours && !old.is(&value) => left.set_item(key, old)?,
            None if is_ours => left.del_item(key)?,
            _ => {}
        }
    }
    for (key, value) in before {
        if !after.contains(&key)? && !now.contains(&key)? {
            left.set_item(key, value)?;
        }
    }
    Ok(left)
}

fn members_without<'py>(
    now: &Bound<'py, PyAny>,
    before: &Bound<'py, PyAny>,
    after: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let all = |of: &Bound<'py, PyAny>| of.try_iter()?.collect::<PyResult<Vec<_>>>();
    let (before, after) = (all(before)?, all(after)?);
    let lacks = |of: &[Bound<'py, PyAny>], one: &Bound<'py, PyAny>| !of.iter().any(|other| other.is(one));
    let mut left = all(now)?;
    for ours in after.iter().filter(|one| lacks(&before, one)) {
        if let Some(at) = left.iter().rposition(|one| one.is(ours)) {
            left.remove(at);
        }
    }
    left.extend(before.iter().filter(|one| lacks(&after, one)).cloned());
    now.get_type().call1((PyList::new(now.py(), left)?,))
}

/// Whether both hold the very same objects, in the same order.
///
/// # Errors
/// What iterating raises.
pub fn is_same(one: &Bound<'_, PyAny>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
    if one.len()? != other.len()? {
        return Ok(false);
    }
    if let (Ok(one), Ok(other)) = (one.cast::<PyDict>(), other.cast::<PyDict>()) {
        let mut pairs = one.iter().zip(other.iter());
        return Ok(pairs.all(|((key, value), (same, too))| key.is(&same) && value.is(&too)));
    }
    if let Ok(set) = other.cast::<PySet>() {
        return one.try_iter()?.try_fold(true, |same, member| Ok(same && set.contains(member?)?));
    }
    let mut pairs = one.try_iter()?.zip(other.try_iter()?);
    pairs.try_fold(true, |same, (one, other)| Ok(same && one?.is(&other?)))
}
