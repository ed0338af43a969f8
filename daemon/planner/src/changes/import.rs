//! Import statements, name by name: a changed one imports only what it did not import before.

use super::found::TargetItem;
use crate::source::{Bound, Source};
use ruff_python_ast::{Alias, Stmt};

/// What one name of an import statement means: dots and module, name, and what it is bound as.
type Import<'a> = (u32, Option<&'a str>, &'a str, Option<&'a str>, bool);

fn imports(stmt: &Stmt) -> Vec<(Import<'_>, &Alias)> {
    match stmt {
        Stmt::Import(import) => import
            .names
            .iter()
            .map(|alias| ((0, None, alias.name.as_str(), alias.asname.as_deref(), false), alias))
            .collect(),
        Stmt::ImportFrom(import) => import
            .names
            .iter()
            .map(|alias| {
                let module = import.module.as_deref();
                ((import.level, module, alias.name.as_str(), alias.asname.as_deref(), true), alias)
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The aliases of an import statement that the old one did not have.
fn fresh<'n>(old: &Stmt, new: &'n Stmt) -> Vec<&'n Alias> {
    let old = imports(old);
    let is_fresh = |import: &Import<'_>| !old.iter().any(|(known, _)| known == import);
    imports(new).into_iter().filter(|(import, _)| is_fresh(import)).map(|(_, alias)| alias).collect()
}

/// The text of an import statement with only the names that the old one did not import; `None` where that
/// can't be told, or all names are new.
pub(super) fn reduced(old: &[Stmt], new: &[Stmt]) -> Option<String> {
    let ([old], [new]) = (old, new) else { return None };
    let fresh = fresh(old, new);
    if fresh.is_empty() || fresh.len() == imports(new).len() {
        return None;
    }
    let names: Vec<String> = fresh.into_iter().map(alias_text).collect();
    let names = names.join(", ");
    match new {
        Stmt::Import(_) => Some(format!("import {names}")),
        Stmt::ImportFrom(import) => {
            let dots = ".".repeat(import.level as usize);
            let module = import.module.as_deref().unwrap_or_default();
            Some(format!("from {dots}{module} import {names}"))
        }
        _ => None,
    }
}

/// Whether a changed import statement imports nothing that the old one did not.
pub(super) fn only_loses(old: &[Stmt], new: &[Stmt]) -> bool {
    let import = |stmt: &Stmt| matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_));
    matches!((old, new), ([old], [new]) if import(old) && import(new) && fresh(old, new).is_empty())
}

/// The names that a reduced import binds.
pub(super) fn reduced_names(old: &[Stmt], new: &[Stmt]) -> Vec<String> {
    let ([old], [new]) = (old, new) else { return Vec::new() };
    let from = matches!(new, Stmt::ImportFrom(_));
    fresh(old, new).into_iter().map(|alias| bound_name(alias, from)).collect()
}

fn alias_text(alias: &Alias) -> String {
    match &alias.asname {
        Some(asname) => format!("{} as {asname}", alias.name),
        None => alias.name.to_string(),
    }
}

fn bound_name(alias: &Alias, from: bool) -> String {
    let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
    let first = if from || alias.asname.is_some() { name } else { name.split('.').next().unwrap_or(name) };
    first.to_owned()
}

/// Names that `import a.b` statements bind: the same packages, whatever is imported of them.
fn plain_roots(stmts: &[Stmt]) -> Vec<&str> {
    let imports = stmts.iter().filter_map(Stmt::as_import_stmt).flat_map(|import| &import.names);
    let plain = imports.filter(|alias| alias.asname.is_none());
    plain.map(|alias| alias.name.split('.').next().unwrap_or_default()).collect()
}

/// Names whose values a changed item changes: all that it binds, but of an import only the fresh ones.
pub(crate) fn import_changes(source: &Source<'_>, item: &TargetItem<'_>) -> Vec<String> {
    if let (Some(origin), [Stmt::Import(_) | Stmt::ImportFrom(_)]) = (&item.origin, item.item.stmts) {
        let known = plain_roots(origin.stmts);
        let mut names = reduced_names(origin.stmts, item.item.stmts);
        names.retain(|name| !known.contains(&name.as_str()));
        return names;
    }
    Bound::of(source, item.item.stmts).names
}
