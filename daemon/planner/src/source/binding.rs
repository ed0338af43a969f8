//! What statements bind in their scope, and what they store elsewhere.

use super::text::Source;
use patchctl_protocol::plan::Place;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_pattern, walk_stmt};
use ruff_python_ast::{Alias, Expr, Pattern, Stmt};
use ruff_text_size::Ranged;

/// Names and places that statements bind when they are executed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bound {
    /// In order, each once; not mangled.
    pub names: Vec<String>,
    pub places: Vec<Place>,
    /// Names that `del` takes away.
    pub deleted: Vec<String>,
    /// Whether a star import binds names that can't be told from the source.
    pub star: bool,
    /// Names bound by an augmented assignment, which needs the value before.
    pub augmented: Vec<String>,
}

impl Bound {
    /// What a few statements bind.
    pub fn of(source: &Source<'_>, stmts: &[Stmt]) -> Self {
        let mut collector = Collector { source, bound: Self::default() };
        for stmt in stmts {
            collector.visit_stmt(stmt);
        }
        collector.bound
    }

    fn name(&mut self, name: &str) {
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
    }
}

struct Collector<'s, 't> {
    source: &'s Source<'t>,
    bound: Bound,
}

impl Collector<'_, '_> {
    fn target(&mut self, target: &Expr) {
        match target {
            Expr::Name(name) => self.bound.name(&name.id),
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|elt| self.target(elt)),
            Expr::List(list) => list.elts.iter().for_each(|elt| self.target(elt)),
            Expr::Starred(starred) => self.target(&starred.value),
            Expr::Attribute(attribute) => self.bound.places.push(Place {
                object: self.source.slice(attribute.value.range()).to_owned(),
                key: attribute.attr.to_string(),
                item: false,
            }),
            Expr::Subscript(subscript) => self.bound.places.push(Place {
                object: self.source.slice(subscript.value.range()).to_owned(),
                key: self.source.slice(subscript.slice.range()).to_owned(),
                item: true,
            }),
            _ => {}
        }
    }

    fn import(&mut self, alias: &Alias, from: bool) {
        let name = alias.name.as_str();
        match (&alias.asname, from) {
            (Some(asname), _) => self.bound.name(asname),
            (None, true) if name == "*" => self.bound.star = true,
            (None, true) => self.bound.name(name),
            (None, false) => self.bound.name(name.split('.').next().unwrap_or(name)),
        }
    }
}

impl<'a> Visitor<'a> for Collector<'_, '_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => return self.bound.name(&def.name),
            Stmt::ClassDef(class) => return self.bound.name(&class.name),
            Stmt::TypeAlias(alias) => return self.target(&alias.name),
            Stmt::Assign(assign) => assign.targets.iter().for_each(|target| self.target(target)),
            Stmt::AugAssign(assign) => {
                self.target(&assign.target);
                if let Expr::Name(name) = &*assign.target {
                    self.bound.augmented.push(name.id.to_string());
                }
            }
            Stmt::AnnAssign(assign) if assign.value.is_some() => self.target(&assign.target),
            Stmt::For(node) => self.target(&node.target),
            Stmt::With(node) => {
                let vars = node.items.iter().filter_map(|item| item.optional_vars.as_deref());
                vars.for_each(|var| self.target(var));
            }
            Stmt::Import(import) => import.names.iter().for_each(|alias| self.import(alias, false)),
            Stmt::ImportFrom(import) => import.names.iter().for_each(|alias| self.import(alias, true)),
            Stmt::Delete(delete) => {
                let names = delete.targets.iter().filter_map(Expr::as_name_expr);
                self.bound.deleted.extend(names.map(|name| name.id.to_string()));
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Named(named) => {
                self.target(&named.target);
                self.visit_expr(&named.value);
            }
            Expr::Lambda(_) => {}
            _ => walk_expr(self, expr),
        }
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(node) => node.name.as_ref(),
            Pattern::MatchStar(node) => node.name.as_ref(),
            Pattern::MatchMapping(node) => node.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.bound.name(name);
        }
        walk_pattern(self, pattern);
    }
}

/// A name as it stands in the namespace of a class: `__x` in `class C` is `_C__x`
/// (`_Py_Mangle` in CPython's `Python/compile.c`).
pub(crate) fn mangle(class: Option<&str>, name: &str) -> String {
    let private = name.starts_with("__") && !name.ends_with("__") && !name.contains('.');
    match class.map(|class| class.trim_start_matches('_')) {
        Some(class) if private && !class.is_empty() => format!("_{class}{name}"),
        _ => name.to_owned(),
    }
}
