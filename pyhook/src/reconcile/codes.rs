//! Trees of code objects: pairing the code objects within an old and a new definition, and words about one
//! code object. [`super::index`] finds a definition's code.

use crate::interpreter;
use patchctl_protocol::plan::FunctionChange;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// A code object that is to take another's place.
pub struct Pair<'py> {
    /// Index of the change in the plan.
    pub change: usize,
    pub qualname: String,
    pub old: Bound<'py, PyAny>,
    pub new: Bound<'py, PyAny>,
    pub outermost: bool,
}

/// `co_name`.
///
/// # Errors
/// That it is no code object.
pub fn name(code: &Bound<'_, PyAny>) -> PyResult<String> {
    code.getattr(intern!(code.py(), "co_name"))?.extract()
}

/// `co_firstlineno`.
///
/// # Errors
/// That it is no code object.
pub fn first_line(code: &Bound<'_, PyAny>) -> PyResult<u32> {
    code.getattr(intern!(code.py(), "co_firstlineno"))?.extract()
}

/// All code objects within a code object, itself excluded, outer ones first.
///
/// # Errors
/// That it is no code object.
pub fn within<'py>(code: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut found = Vec::new();
    for constant in interpreter::constants(code)?.iter() {
        if interpreter::is_code(&constant)? {
            found.push(constant.clone());
            found.extend(within(&constant)?);
        }
    }
    Ok(found)
}

/// What `co_name` says of a lambda.
pub const LAMBDA: &str = "<lambda>";

/// The last part of a qualname: what `co_name` says, before name mangling.
#[must_use]
pub fn own_name(change: &FunctionChange) -> &str {
    change.qualname.rsplit('.').next().unwrap_or(&change.qualname)
}

/// The pair of a definition and the pairs of the code objects within it that differ, matched by name and
/// order. Those with equal value need no change; those without counterpart have no successor.
///
/// # Errors
/// That they are no code objects.
pub fn pairs<'py>(
    change: usize,
    qualname: &str,
    old: &Bound<'py, PyAny>,
    new: &Bound<'py, PyAny>,
) -> PyResult<Vec<Pair<'py>>> {
    let outer =
        Pair { change, qualname: qualname.to_owned(), old: old.clone(), new: new.clone(), outermost: true };
    let mut found = vec![outer];
    inner_pairs(change, qualname, old, new, &mut found)?;
    Ok(found)
}

fn inner_pairs<'py>(
    change: usize,
    qualname: &str,
    old: &Bound<'py, PyAny>,
    new: &Bound<'py, PyAny>,
    found: &mut Vec<Pair<'py>>,
) -> PyResult<()> {
    let mut unmatched = direct(new)?;
    for (name, old) in direct(old)? {
        let Some(position) = unmatched.iter().position(|(other, _)| *other == name) else { continue };
        let (_, new) = unmatched.remove(position);
        let qualname = format!("{qualname}.<locals>.{name}");
        if !old.eq(&new)? {
            found.push(Pair {
                change,
                qualname: qualname.clone(),
                old: old.clone(),
                new: new.clone(),
                outermost: false,
            });
        }
        inner_pairs(change, &qualname, &old, &new, found)?;
    }
    Ok(())
}

/// The code objects directly within a code object, with their names.
fn direct<'py>(code: &Bound<'py, PyAny>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    let mut found = Vec::new();
    for constant in interpreter::constants(code)?.iter() {
        if interpreter::is_code(&constant)? {
            found.push((name(&constant)?, constant));
        }
    }
    Ok(found)
}

/// Names of the free variables.
///
/// # Errors
/// That it is no code object.
pub fn free_variables(code: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    code.getattr("co_freevars")?.extract()
}

/// The flags that tell plain functions, generators, coroutines and asynchronous generators apart
/// (`CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR`, CPython's `Include/cpython/code.h`).
///
/// # Errors
/// That it is no code object.
pub fn kind(code: &Bound<'_, PyAny>) -> PyResult<u32> {
    Ok(code.getattr("co_flags")?.extract::<u32>()? & 0x2a0)
}

/// Whether it is the code of a function, as opposed to the body of a class or module (`CO_OPTIMIZED`).
///
/// # Errors
/// That it is no code object.
pub fn is_function_body(code: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(code.getattr("co_flags")?.extract::<u32>()? & 1 != 0)
}

/// The docstring that a function made from this code gets, or `None`: the first constant if it is a text;
/// from 3.14 on if `CO_HAS_DOCSTRING` is set (CPython's `Objects/funcobject.c`).
///
/// # Errors
/// That it is no code object.
pub fn docstring<'py>(code: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    const HAS_DOCSTRING: u32 = 0x400_0000;
    let py = code.py();
    let told =
        py.version_info() < (3, 14) || code.getattr("co_flags")?.extract::<u32>()? & HAS_DOCSTRING != 0;
    let first = interpreter::constants(code)?.get_item(0).ok();
    let text = first.filter(|constant| told && constant.is_instance_of::<PyString>());
    Ok(text.unwrap_or_else(|| py.None().into_bound(py)))
}
