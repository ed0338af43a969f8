//! Values of a module that its functions change in place when they are called, and its statements when they are
//! executed.

use super::reads::dotted;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt, StmtFunctionDef};
use std::collections::BTreeSet;

/// Methods of containers that change them.
const METHODS: [&str; 15] = [
    "add",
    "append",
    "appendleft",
    "clear",
    "discard",
    "extend",
    "insert",
    "pop",
    "popitem",
    "remove",
    "reverse",
    "setdefault",
    "sort",
    "update",
    "register",
];

/// Names that a function's body, inner functions aside, stores into or binds as `global`; whatever they are of.
pub(super) fn mutated(def: &StmtFunctionDef) -> BTreeSet<String> {
    let mut collector = Collector { names: BTreeSet::new() };
    collector.visit_body(&def.body);
    collector.names
}

/// Names (dotted) of what statements change in place when they are executed.
pub(crate) fn mutated_by(stmts: &[Stmt]) -> BTreeSet<String> {
    let mut collector = Collector { names: BTreeSet::new() };
    collector.visit_body(stmts);
    collector.names
}

struct Collector {
    names: BTreeSet<String>,
}

impl Collector {
    /// What a store goes into: `object.x = ...`, `object[x] = ...`.
    fn target(&mut self, target: &Expr) {
        let object = match target {
            Expr::Attribute(attribute) => &attribute.value,
            Expr::Subscript(subscript) => &subscript.value,
            _ => return,
        };
        self.names.extend(dotted(object));
    }
}

impl<'a> Visitor<'a> for Collector {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
            Stmt::Global(global) => self.names.extend(global.names.iter().map(ToString::to_string)),
            Stmt::Assign(assign) => assign.targets.iter().for_each(|target| self.target(target)),
            Stmt::AugAssign(assign) => self.target(&assign.target),
            Stmt::AnnAssign(assign) => self.target(&assign.target),
            Stmt::Delete(delete) => delete.targets.iter().for_each(|target| self.target(target)),
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr {
            match &*call.func {
                Expr::Attribute(method) if METHODS.contains(&method.attr.as_str()) => {
                    self.names.extend(dotted(&method.value));
                }
                Expr::Name(name) if matches!(name.id.as_str(), "setattr" | "delattr") => {
                    self.names.extend(call.arguments.args.first().and_then(dotted));
                }
                _ => {}
            }
        }
        walk_expr(self, expr);
    }
}
