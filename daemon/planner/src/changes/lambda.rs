//! Statements that differ only within the bodies of lambdas which they hold: a table of handlers, a key
//! function bound to a name. The lambdas take their new code where they are; the statement does not run
//! again, and whoever holds the table or one of its functions has the new code too.

use super::scope::Scope;
use crate::dependents::dotted;
use crate::source::{Item, same_body};
use patchctl_protocol::plan::Parts;
use ruff_python_ast::visitor::transformer::{self, Transformer};
use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprCall, ExprEllipsisLiteral, ExprLambda, Stmt};

/// What makes objects that keep the functions which they get.
const KEEPING: [&str; 8] = [
    "partial",
    "partialmethod",
    "property",
    "cached_property",
    "staticmethod",
    "classmethod",
    "defaultdict",
    "field",
];

/// A statement in both texts whose lambdas differ.
pub(crate) struct LambdaPair<'a> {
    pub scope: Scope,
    /// What the statement binds, for people.
    pub name: String,
    pub old: Item<'a>,
    pub new: Item<'a>,
    /// The lambdas that differ.
    pub lambdas: Vec<(&'a ExprLambda, &'a ExprLambda)>,
    /// What of them differs: their code, or only what their defaults are computed from.
    pub parts: Parts,
    /// Names (dotted) whose change it follows from; empty where it changed itself.
    pub because: Vec<String>,
}

/// All lambdas of a statement that is the same in both texts, if they stay alive in what it binds.
pub(crate) fn all<'a>(old: &Item<'a>, new: &Item<'a>) -> Option<Vec<(&'a ExprLambda, &'a ExprLambda)>> {
    let (old, new) = (old.only()?, new.only()?);
    let mut held = (Vec::new(), Vec::new());
    collect(value(old)?, &mut held.0);
    collect(value(new)?, &mut held.1);
    let all_held = held.0.len() == count(old) && held.1.len() == held.0.len();
    (all_held && !held.0.is_empty()).then(|| held.0.into_iter().zip(held.1).collect())
}

/// The lambdas that make the difference between two statements, if nothing else does and all of them stay
/// alive in what the statement binds.
pub(super) fn difference<'a>(
    old: &Item<'a>,
    new: &Item<'a>,
) -> Option<Vec<(&'a ExprLambda, &'a ExprLambda)>> {
    let (old, new) = (old.only()?, new.only()?);
    let mut held = (Vec::new(), Vec::new());
    collect(value(old)?, &mut held.0);
    collect(value(new)?, &mut held.1);
    let all_held = held.0.len() == count(old) && held.1.len() == count(new);
    if !all_held || held.0.len() != held.1.len() || !same_body(&[masked(old)], &[masked(new)]) {
        return None;
    }
    let pairs = held.0.into_iter().zip(held.1);
    let differ = |(old, new): &(&ExprLambda, &ExprLambda)| {
        let as_statement = |lambda: &ExprLambda| {
            Stmt::Expr(ruff_python_ast::StmtExpr {
                value: lambda.body.clone(),
                range: lambda.range,
                node_index: lambda.node_index.clone(),
            })
        };
        !same_body(&[as_statement(old)], &[as_statement(new)])
    };
    Some(pairs.filter(differ).collect())
}

/// What a statement binds, in the words of its source.
pub(crate) fn bound_name(stmt: &Stmt) -> String {
    let target = match stmt {
        Stmt::Assign(assign) => assign.targets.first(),
        Stmt::AnnAssign(assign) => Some(&*assign.target),
        _ => None,
    };
    target.and_then(Expr::as_name_expr).map(|name| name.id.to_string()).unwrap_or_default()
}

fn value(stmt: &Stmt) -> Option<&Expr> {
    match stmt {
        Stmt::Assign(assign) => Some(&assign.value),
        Stmt::AnnAssign(assign) => assign.value.as_deref(),
        _ => None,
    }
}

/// The lambdas that a value holds: itself, or within displays and comprehensions.
fn collect<'a>(value: &'a Expr, found: &mut Vec<&'a ExprLambda>) {
    match value {
        Expr::Lambda(lambda) => found.push(lambda),
        Expr::Dict(dict) => dict.items.iter().for_each(|item| collect(&item.value, found)),
        Expr::List(list) => list.elts.iter().for_each(|value| collect(value, found)),
        Expr::Tuple(tuple) => tuple.elts.iter().for_each(|value| collect(value, found)),
        Expr::Set(set) => set.elts.iter().for_each(|value| collect(value, found)),
        Expr::ListComp(made) => collect(&made.elt, found),
        Expr::SetComp(made) => collect(&made.elt, found),
        Expr::DictComp(made) => collect(&made.value, found),
        Expr::Call(call) if keeps(call) => {
            call.arguments.args.iter().for_each(|value| collect(value, found));
            call.arguments.keywords.iter().for_each(|keyword| collect(&keyword.value, found));
        }
        _ => {}
    }
}

/// Whether a call makes an object that keeps the functions which it gets, and calls them later.
fn keeps(call: &ExprCall) -> bool {
    let name = dotted(&call.func);
    name.is_some_and(|name| KEEPING.contains(&name.rsplit('.').next().unwrap_or(&name)))
}

/// How many lambdas there are in a statement, those within lambdas aside.
fn count(stmt: &Stmt) -> usize {
    struct Counter(usize);
    impl<'a> Visitor<'a> for Counter {
        fn visit_expr(&mut self, expr: &'a Expr) {
            match expr {
                Expr::Lambda(_) => self.0 += 1,
                _ => walk_expr(self, expr),
            }
        }
    }
    let mut counter = Counter(0);
    counter.visit_stmt(stmt);
    counter.0
}

/// The statement with the body of every lambda left out.
fn masked(stmt: &Stmt) -> Stmt {
    struct Mask;
    impl Transformer for Mask {
        fn visit_expr(&self, expr: &mut Expr) {
            match expr {
                Expr::Lambda(lambda) => *lambda.body = Expr::EllipsisLiteral(ExprEllipsisLiteral::default()),
                _ => transformer::walk_expr(self, expr),
            }
        }
    }
    let mut copy = stmt.clone();
    Mask.visit_stmt(&mut copy);
    copy
}
