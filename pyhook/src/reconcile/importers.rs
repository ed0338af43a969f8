//! Who imported a name from a module, and what was computed from it there: read from the texts of the other
//! modules, which know it, where values (texts, numbers, what a module itself imported) say nothing about where
//! they are from.

use super::texts::{self, Counts, Imported};
use crate::interpreter;
use patchctl_protocol::plan::Stale;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::fs;

/// Small integers of which the interpreter has one object each (`_PY_NSMALLPOSINTS` in CPython's
/// `pycore_global_objects.h`, in its smallest form).
const SMALL: std::ops::RangeInclusive<i64> = -5..=256;

/// The names in other modules that are bound to `before` because they were imported, directly or by way of
/// others, as `name` from the module with this namespace: namespace, its module's name, and the name.
///
/// # Errors
/// What looking through `sys.modules` raises.
pub fn importers<'py>(
    namespace: &Bound<'py, PyDict>,
    name: &str,
    before: &Bound<'py, PyAny>,
) -> PyResult<Vec<(Bound<'py, PyDict>, String, String)>> {
    let Some(module) = text_of(namespace, "__name__") else { return Ok(Vec::new()) };
    let mut candidates = Vec::new();
    for (key, other) in interpreter::others(namespace)? {
        let names = bound(&other, name, before);
        if !names.is_empty() {
            let imports = imports(&other);
            candidates.push((other, key, names, imports));
        }
    }
    let mut givers = vec![(module, name.to_owned())];
    let mut found = Vec::new();
    let mut next = 0;
    while let Some((giver, given)) = givers.get(next).cloned() {
        next += 1;
        for (other, key, names, imports) in &candidates {
            for alias in names.iter().filter(|alias| takes(imports, (&giver, &given), alias)) {
                let taker = (key.clone(), alias.clone());
                if !givers.contains(&taker) {
                    givers.push(taker);
                    found.push((other.clone(), key.clone(), alias.clone()));
                }
            }
        }
    }
    Ok(found)
}

/// Whether imports bind the alias to what a module (first) has under a name.
pub fn takes(imports: &[Imported], (giver, given): (&str, &str), alias: &str) -> bool {
    imports.iter().any(|one| {
        let star = one.name == "*" && alias == given;
        one.module == giver && (star || one.name == given && one.alias == alias)
    })
}

/// What a module computed at its import from a name that it imported: stale where that gets another value.
pub fn computed(namespace: &Bound<'_, PyDict>, name: &str, because: &str) -> Vec<Stale> {
    let file = text_of(namespace, "__file__");
    let counts = Counts { annotations: evaluates_annotations(namespace.py()), calls: false };
    let uses = texts::uses(&text(namespace), name, counts).into_iter();
    let stale = |(name, line)| Stale { name, line, because: because.to_owned(), file: file.clone() };
    uses.map(stale).collect()
}

/// Whether annotations are computed when a function is defined, and not when asked for (PEP 649).
pub fn evaluates_annotations(py: Python<'_>) -> bool {
    py.version_info() < (3, 14)
}

/// The names that are bound to the object; where it is one that many share, only the same name.
fn bound(namespace: &Bound<'_, PyDict>, name: &str, object: &Bound<'_, PyAny>) -> Vec<String> {
    if is_common(object) {
        let same = namespace.get_item(name).ok().flatten().is_some_and(|value| value.is(object));
        return if same { vec![name.to_owned()] } else { Vec::new() };
    }
    let names = namespace.iter().filter(|(_, value)| value.is(object));
    names.filter_map(|(key, _)| key.extract().ok()).collect()
}

/// Whether only texts tell where a value is from: equal ones may be one object.
pub fn is_shared(object: &Bound<'_, PyAny>) -> bool {
    const SHARED: [&str; 9] =
        ["int", "bool", "str", "bytes", "float", "complex", "NoneType", "module", "tuple"];
    let kind = object.get_type().name();
    kind.is_ok_and(|kind| kind.to_cow().is_ok_and(|kind| SHARED.contains(&&*kind)))
}

/// Whether equal values are likely to be one object all over a process.
pub fn is_common(object: &Bound<'_, PyAny>) -> bool {
    if let Ok(text) = object.cast_exact::<PyString>() {
        let word = |text: &str| text.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
        return text.to_cow().is_ok_and(|text| word(&text));
    }
    let kind = object.get_type().name().map(|name| name.to_string()).unwrap_or_default();
    match kind.as_str() {
        "NoneType" | "bool" | "ellipsis" => true,
        "int" => object.extract::<i64>().is_ok_and(|number| SMALL.contains(&number)),
        "tuple" | "bytes" => object.len().is_ok_and(|length| length < 2),
        _ => false,
    }
}

/// What a module's own text imports.
fn imports(namespace: &Bound<'_, PyDict>) -> Vec<Imported> {
    let package = text_of(namespace, "__package__").unwrap_or_default();
    texts::from_imports(&text(namespace), &package)
}

/// A module's text as its file has it; empty where it has none.
fn text(namespace: &Bound<'_, PyDict>) -> String {
    source_file(namespace).and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default()
}

/// The file of a module's text.
pub fn source_file(namespace: &Bound<'_, PyDict>) -> Option<String> {
    text_of(namespace, "__file__").filter(|file| file.ends_with(".py"))
}

/// A text that a namespace has under a name.
pub fn text_of(namespace: &Bound<'_, PyDict>, name: &str) -> Option<String> {
    namespace.get_item(name).ok()??.cast_exact::<PyString>().ok()?.extract().ok()
}
