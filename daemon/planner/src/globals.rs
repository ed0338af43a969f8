//! What a function's code object knows of the module's scope. Names are looked up when the function runs,
//! with two exceptions in the compiler (CPython's `Python/compile.c`, from 3.11; later `codegen.c`):
//!
//! - `is_import_originated`: a call `name.attribute()` is compiled as a call of an attribute, not of a method,
//!   where the module's scope imports `name`;
//! - `can_optimize_super_call`: `super().attribute` is compiled in one instruction only where the module's
//!   scope does not know the name `super`.

use crate::dependents::Reads;
use crate::source::Source;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Alias, Expr, Stmt};
use std::collections::BTreeSet;

/// A line that makes the module's scope the same to some functions' bodies, wherever it stands; `None` where nothing
/// is needed.
pub(crate) fn line<'a>(source: &Source<'_>, bodies: impl Iterator<Item = &'a [Stmt]>) -> Option<String> {
    let mut names = Names { used: BTreeSet::new() };
    for body in bodies {
        names.visit_body(body);
    }
    let mut scope = ModuleScope { imported: BTreeSet::new(), knows_super: false };
    scope.visit_body(source.body());
    let imported: Vec<&str> = scope.imported.intersection(&names.used).copied().collect();
    let mut parts = Vec::new();
    if !imported.is_empty() {
        parts.push(format!("import {}", imported.join(", ")));
    }
    if scope.knows_super && names.used.contains("super") {
        parts.push("super".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Names that a function's body uses, inner functions included.
struct Names<'a> {
    used: BTreeSet<&'a str>,
}

impl<'a> Visitor<'a> for Names<'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr {
            self.used.insert(&name.id);
        }
        walk_expr(self, expr);
    }
}

/// What the module's own scope imports, and whether it names `super`.
struct ModuleScope<'a> {
    imported: BTreeSet<&'a str>,
    knows_super: bool,
}

impl<'a> Visitor<'a> for ModuleScope<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                let defaults = Reads::of_defaults(&def.parameters);
                let names = Reads::of_statement(stmt).names.into_iter().chain(defaults.names);
                self.knows_super |= def.name.as_str() == "super";
                self.knows_super |= names.into_iter().any(|name| is_super(&name));
            }
            Stmt::ClassDef(class) => {
                self.knows_super |= class.name.as_str() == "super";
                self.knows_super |= Reads::of_statement(stmt).names.iter().any(|name| is_super(name));
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => self.knows_super |= name.id.as_str() == "super",
            Expr::Lambda(_) => return,
            _ => {}
        }
        walk_expr(self, expr);
    }

    fn visit_alias(&mut self, alias: &'a Alias) {
        let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
        let name = name.split('.').next().unwrap_or(name);
        self.imported.insert(name);
        self.knows_super |= name == "super";
    }
}

fn is_super(name: &str) -> bool {
    name.split('.').next() == Some("super")
}
