//! Who imported a name from a module, and what was computed from it there: read from the texts of the other
//! modules, which know it, where values (texts, numbers, what a module itself imported) say nothing about where
//! they are from.

use crate::interpreter;
use patchctl_protocol::plan::Stale;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::fs;

/// Small integers of which the interpreter has one object each (`_PY_NSMALLPOSINTS` in CPython's
/// `pycore_global_objects.h`, in its smallest form).
const SMALL: std::ops::RangeInclusive<i64> = -5..=256;

/// One name of a `from module import name as alias`.
#[derive(Debug, PartialEq, Eq)]
struct Imported {
    module: String,
    name: String,
    alias: String,
}

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
            let from = |alias: &&String| {
                imports.iter().any(|one| {
                    let star = one.name == "*" && **alias == given;
                    one.module == giver && (star || one.name == given && one.alias == **alias)
                })
            };
            for alias in names.iter().filter(from) {
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

/// What a module computed at its import from a name that it imported: stale where that gets another value.
pub fn computed(namespace: &Bound<'_, PyDict>, name: &str, because: &str) -> Vec<Stale> {
    let file = text_of(namespace, "__file__");
    let uses = uses(&text(namespace), name).into_iter();
    let stale = |(name, line)| Stale { name, line, because: because.to_owned(), file: file.clone() };
    uses.map(stale).collect()
}

/// Names (dotted, with their lines) that statements outside functions compute from a name: values, defaults
/// and bases, as far as they stand on one line with what they are bound to.
fn uses(text: &str, name: &str) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    // Indentation and name of the blocks around; functions have none.
    let mut blocks: Vec<(usize, Option<String>)> = Vec::new();
    let mut in_text = false;
    for (line, number) in text.lines().zip(1..) {
        let quotes = line.matches("\"\"\"").count() + line.matches("'''").count();
        let within = in_text;
        in_text ^= quotes % 2 == 1;
        let statement = code(line).trim_start();
        if within || statement.is_empty() {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        blocks.retain(|(outer, _)| *outer < indent);
        if blocks.iter().any(|(_, class)| class.is_none()) {
            continue;
        }
        let Some(bound) = binding(statement) else { continue };
        if mentions(bound.from, name) {
            let classes = blocks.iter().filter_map(|(_, class)| class.as_deref());
            found.push((classes.chain([bound.name]).collect::<Vec<_>>().join("."), number));
        }
        if let Some(class) = bound.opens {
            blocks.push((indent, class.then(|| bound.name.to_owned())));
        }
    }
    found
}

/// A line that binds a name to something.
struct Binding<'t> {
    name: &'t str,
    /// What it is computed from.
    from: &'t str,
    /// Whether it opens the block of a class, or of a function.
    opens: Option<bool>,
}

fn binding(statement: &str) -> Option<Binding<'_>> {
    let plain = statement.strip_prefix("async ").unwrap_or(statement);
    for (keyword, class) in [("def ", false), ("class ", true)] {
        if let Some(rest) = plain.strip_prefix(keyword) {
            let end = rest.find(['(', ':', '[']).unwrap_or(rest.len());
            let (name, from) = rest.split_at(end);
            let from = if class { from } else { from.split_once('=').map_or("", |(_, from)| from) };
            return Some(Binding { name: name.trim(), from, opens: Some(class) });
        }
    }
    let (target, from) = statement.split_once('=')?;
    let name = target.split(':').next()?.trim_end_matches(['+', '-', '|', '&', '*', ' ']);
    let is_name = !name.is_empty() && name.chars().all(|c| is_word(c) || c == '.');
    (is_name && !from.starts_with('=')).then_some(Binding { name, from, opens: None })
}

/// Whether a name stands in a text as a word of its own, neither as an attribute nor in quotes.
fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(|c| is_word(c) || c == '.' || c == '"' || c == '\'')
            && !after.is_some_and(is_word)
    })
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
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

/// Whether equal values are likely to be one object all over a process.
fn is_common(object: &Bound<'_, PyAny>) -> bool {
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
    from_imports(&text(namespace), &package)
}

/// A module's text as its file has it; empty where it has none.
fn text(namespace: &Bound<'_, PyDict>) -> String {
    let file = text_of(namespace, "__file__").filter(|file| file.ends_with(".py"));
    file.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default()
}

fn text_of(namespace: &Bound<'_, PyDict>, name: &str) -> Option<String> {
    namespace.get_item(name).ok()??.cast_exact::<PyString>().ok()?.extract().ok()
}

/// The `from` imports of a text, wherever they stand in it.
fn from_imports(text: &str, package: &str) -> Vec<Imported> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(rest) = line.trim_start().strip_prefix("from ") else { continue };
        let mut statement = code(rest).to_owned();
        loop {
            let open = statement.contains('(') && !statement.contains(')');
            let continued = statement.strip_suffix('\\').map(str::len);
            if let Some(length) = continued {
                statement.truncate(length);
            }
            if !open && continued.is_none() {
                break;
            }
            let Some(line) = lines.next() else { break };
            statement.push(' ');
            statement.push_str(code(line));
        }
        let Some((module, names)) = statement.split_once(" import") else { continue };
        let Some(module) = absolute(module.trim(), package) else { continue };
        let names = names.split(';').next().unwrap_or_default().replace(['(', ')'], " ");
        for one in names.split(',') {
            let mut words = one.split_whitespace();
            let Some(name) = words.next() else { continue };
            let alias = words.nth(1).unwrap_or(name);
            found.push(Imported { module: module.clone(), name: name.to_owned(), alias: alias.to_owned() });
        }
    }
    found
}

/// A line without its comment.
fn code(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim_end()
}

/// The name of a module as it is imported from within a package (`importlib._bootstrap._resolve_name`).
fn absolute(module: &str, package: &str) -> Option<String> {
    let rest = module.trim_start_matches('.');
    let Some(up) = (module.len() - rest.len()).checked_sub(1) else { return Some(rest.to_owned()) };
    let parts: Vec<&str> = package.split('.').collect();
    let base = parts.get(..parts.len().checked_sub(up)?)?.join(".");
    Some(if rest.is_empty() { base } else { format!("{base}.{rest}") })
}
