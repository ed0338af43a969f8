//! Code objects nested in a function, by their names.

use super::EditError;
use crate::tables::{Op, table};
use crate::{CodeObject, Constant, Text, Version};

/// A code object directly within another.
pub(super) enum Nested {
    /// The constant of that index.
    Constant(usize),
    /// A comprehension that the version compiles into the function around it (3.12 and newer, PEP 709).
    Inlined,
}

/// The code object of that name directly within `code`; `name[1]` is the second one.
pub(super) fn find(code: &CodeObject, version: Version, name: &Text) -> Result<Nested, EditError> {
    let missing = || EditError::NoSuchNested(name.clone());
    let text = name.as_str().ok_or_else(missing)?;
    let (plain, number) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((plain, number)) => (plain, Some(number.parse::<usize>().map_err(|_| missing())?)),
        None => (text, None),
    };
    let named: Vec<usize> =
        code.nested().filter(|(_, nested)| nested.name == plain).map(|(index, _)| index).collect();
    match (named.as_slice(), number) {
        ([only], None) => Ok(Nested::Constant(*only)),
        ([], None) if is_comprehension(plain) && inlines_comprehensions(version) => Ok(Nested::Inlined),
        (all, Some(number)) => all.get(number).copied().map(Nested::Constant).ok_or_else(missing),
        _ => Err(missing()),
    }
}

fn is_comprehension(name: &str) -> bool {
    matches!(name, "<listcomp>" | "<setcomp>" | "<dictcomp>")
}

/// The code object that a path of names leads to.
///
/// # Errors
/// [`EditError::NoSuchNested`] if a name is missing or not unique.
pub fn nested<'a>(
    code: &'a CodeObject,
    version: Version,
    path: &[Text],
) -> Result<&'a CodeObject, EditError> {
    let Some((name, rest)) = path.split_first() else { return Ok(code) };
    match find(code, version, name)? {
        Nested::Inlined => nested(code, version, rest),
        Nested::Constant(index) => match code.consts.get(index).and_then(Constant::as_code) {
            Some(inner) => nested(inner, version, rest),
            None => Err(EditError::NoSuchNested(name.clone())),
        },
    }
}

/// Whether list, set and dict comprehensions are compiled into the function around them (PEP 709).
pub(super) fn inlines_comprehensions(version: Version) -> bool {
    table(version).has(Op::LoadFastAndClear)
}

/// Indices of the comprehensions among the constants that newer versions would inline.
pub(super) fn comprehensions(code: &CodeObject) -> Vec<usize> {
    let inlined = |nested: &CodeObject| nested.name.as_str().is_some_and(is_comprehension);
    code.nested().filter(|(_, nested)| inlined(nested)).map(|(index, _)| index).collect()
}
