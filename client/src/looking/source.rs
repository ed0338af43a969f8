//! The source that belongs to a code object: its lines of the file's text.

use super::subject::Code;
use patchctl_codeobject::{Version, decode};
use std::collections::BTreeSet;

/// A line of the file, without white space at its ends.
#[must_use]
pub fn line(code: &Code, number: i32) -> Option<&str> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    code.text.as_deref()?.lines().nth(index).map(str::trim)
}

/// The lines from the first to the last that the code has, as they stand in the file.
#[must_use]
pub fn extract(code: &Code, version: Version) -> Option<String> {
    let body = decode(&code.object, version).ok()?;
    let mut numbers: BTreeSet<i32> = body.instructions.iter().filter_map(|i| i.location.line()).collect();
    for (_, nested) in code.object.nested() {
        numbers.extend(decode(nested, version).ok()?.instructions.iter().filter_map(|i| i.location.line()));
    }
    numbers.insert(code.object.firstlineno);
    let first = usize::try_from(*numbers.iter().find(|line| **line > 0)?).ok()?;
    let last = usize::try_from(*numbers.last()?).ok()?;
    let lines = code.text.as_deref()?.lines().skip(first - 1).take(last.saturating_sub(first) + 1);
    Some(lines.map(|line| format!("{line}\n")).collect())
}
