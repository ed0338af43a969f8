//! Edits of code objects nested in a function.

use super::path::{self, Nested};
use super::{Edit, EditError, Edited, apply};
use crate::{CodeObject, Constant, Text, Version};

/// Applies edits to a code object nested in `code`, found by the names on the way.
///
/// List, set and dict comprehensions count as part of the function around them on every version: where
/// they are code objects of their own, an edit that finds nothing in the function is looked for in them.
///
/// # Errors
/// As [`apply`]; [`EditError::NoSuchNested`] if a name is missing or not unique.
pub fn apply_within(
    code: &CodeObject,
    version: Version,
    path: &[Text],
    edits: &[Edit],
) -> Result<Edited, EditError> {
    let Some((name, rest)) = path.split_first() else {
        return apply(code, version, edits).or_else(|error| in_comprehension(code, version, edits, error));
    };
    match path::find(code, version, name)? {
        Nested::Inlined => apply_within(code, version, rest, edits),
        Nested::Constant(index) => in_constant(code, version, index, rest, edits),
    }
}

fn in_constant(
    code: &CodeObject,
    version: Version,
    index: usize,
    path: &[Text],
    edits: &[Edit],
) -> Result<Edited, EditError> {
    let nested = code.consts.get(index).and_then(Constant::as_code);
    let nested = nested.ok_or(EditError::Impossible("a nested function that is none"))?;
    let inner = apply_within(nested, version, path, edits)?;
    if !inner.defaults.is_empty() {
        return Err(EditError::Impossible("a nested function's defaults are made when it is defined"));
    }
    let mut outer = code.clone();
    outer.consts[index] = Constant::Code(Box::new(inner.code));
    Ok(Edited { code: outer, defaults: Vec::new(), places: inner.places })
}

/// What is meant may stand in a comprehension: in exactly one.
fn in_comprehension(
    code: &CodeObject,
    version: Version,
    edits: &[Edit],
    error: EditError,
) -> Result<Edited, EditError> {
    let absent = matches!(&error, EditError::Occurrences { candidates, .. } if candidates.is_empty());
    if !absent || path::inlines_comprehensions(version) {
        return Err(error);
    }
    let mut found = Vec::new();
    let mut refused = error;
    for index in path::comprehensions(code) {
        match in_constant(code, version, index, &[], edits) {
            Ok(edited) => found.push(edited),
            Err(nearer) if !nearer.candidates().is_empty() => refused = nearer,
            Err(_) => {}
        }
    }
    match (found.pop(), found.is_empty()) {
        (Some(edited), true) => Ok(edited),
        (Some(_), false) => Err(EditError::Impossible("found in several comprehensions: name one of them")),
        (None, _) => Err(refused),
    }
}
