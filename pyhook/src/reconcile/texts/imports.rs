//! What a module's text imports from others.

use super::{Line, lines};
use std::fs;

/// One name of a `from module import name as alias`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    pub module: String,
    pub name: String,
    pub alias: String,
}

/// The `from` imports of a file, as that of a module of a package; none where it can't be read.
pub fn imports(file: &str, package: &str) -> Vec<Imported> {
    from_imports(&lines(&fs::read_to_string(file).unwrap_or_default()), package)
}

/// The `from` imports of a text, wherever they stand in it.
pub fn from_imports(lines: &[Line], package: &str) -> Vec<Imported> {
    lines.iter().flat_map(|line| of_line(line, package)).collect()
}

fn of_line(line: &Line, package: &str) -> Vec<Imported> {
    let Some((module, names)) = line.text.strip_prefix("from ").and_then(|rest| rest.split_once(" import"))
    else {
        return Vec::new();
    };
    let Some(module) = absolute(module.trim(), package) else { return Vec::new() };
    let names = names.replace(['(', ')'], " ");
    let one = |text: &str| {
        let mut words = text.split_whitespace();
        let name = words.next()?.to_owned();
        let alias = words.nth(1).map_or_else(|| name.clone(), str::to_owned);
        Some(Imported { module: module.clone(), name, alias })
    };
    names.split(',').filter_map(one).collect()
}

/// The name of a module as it is imported from within a package (`importlib._bootstrap._resolve_name`).
fn absolute(module: &str, package: &str) -> Option<String> {
    let rest = module.trim_start_matches('.');
    let Some(up) = (module.len() - rest.len()).checked_sub(1) else { return Some(rest.to_owned()) };
    let parts: Vec<&str> = package.split('.').collect();
    let base = parts.get(..parts.len().checked_sub(up)?)?.join(".");
    Some(if rest.is_empty() { base } else { format!("{base}.{rest}") })
}
