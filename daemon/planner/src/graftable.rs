//! Whether an import can take a change over before the module runs. A changed function by its code object
//! alone, in the place of the old one in the module's code: not where the statement that makes the function
//! changes too, or what that statement has to give it. What is new with the whole target text: not where the
//! module may make something of that name in a way that its text does not show.

use crate::changes::{Changes, FunctionPair};
use crate::dependents::Reads;
use crate::source::{Enclosing, Source};
use patchctl_protocol::plan::{Action, Parts};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt, StmtFunctionDef};
use std::collections::BTreeSet;

/// Names that make the compiler give a method the cell of its class (CPython's `Python/symtable.c`).
const CLASS_CELL: [&str; 2] = ["super", "__class__"];

/// See the module.
pub(crate) fn is_graftable(pair: &FunctionPair<'_>) -> bool {
    let Parts { docstring, defaults, annotations, decorators, .. } = pair.parts;
    // A docstring is an attribute of the function object, so an undo needs more than the old code object.
    let in_code_alone = !(docstring || defaults || annotations || decorators);
    in_code_alone && closure(pair.old, &pair.old_outer) == closure(pair.new, &pair.new_outer)
}

/// The names of enclosing scopes that a method gets as free variables.
fn closure(def: &StmtFunctionDef, outer: &[Enclosing<'_>]) -> BTreeSet<String> {
    let parameters = outer.iter().filter_map(|enclosing| match enclosing {
        Enclosing::Class(class) => class.type_params.as_deref(),
        Enclosing::Branch { .. } => None,
    });
    let parameters: BTreeSet<&str> =
        parameters.flat_map(|parameters| parameters.iter().map(|one| one.name().as_str())).collect();
    let reads = Reads::of_body(def, |root| CLASS_CELL.contains(&root) || parameters.contains(root));
    let first = |name: String| name.split('.').next().unwrap_or_default().to_owned();
    reads.names.into_iter().chain(reads.calls).map(first).collect()
}

/// Whether what looks new may take the place of an object that the module makes by other means than its own
/// statements: an undo has to find that object, so the module must run first.
pub(crate) fn may_hide_objects(old: &Source<'_>, changes: &Changes<'_>) -> bool {
    let mut steps = changes.steps.iter().map(|draft| &draft.step);
    if !steps.any(|step| step.action == Action::Execute && !step.replaces) {
        return false;
    }
    let mut calls = NamespaceCalls { found: false };
    calls.visit_body(old.body());
    calls.found
}

/// Calls, as the module runs, of what binds names that stand nowhere.
struct NamespaceCalls {
    found: bool,
}

impl<'a> Visitor<'a> for NamespaceCalls {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if !matches!(stmt, Stmt::FunctionDef(_)) {
            walk_stmt(self, stmt);
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        const BINDING: [&str; 4] = ["exec", "globals", "locals", "vars"];
        if let Expr::Call(call) = expr
            && let Expr::Name(name) = &*call.func
        {
            self.found |= BINDING.contains(&name.id.as_str());
        }
        if !matches!(expr, Expr::Lambda(_)) {
            walk_expr(self, expr);
        }
    }
}
