//! Whether two pieces of source are the same but for positions, comments and layout.

use super::text::Source;
use ruff_python_ast::comparable::{
    ComparableDecorator, ComparableExpr, ComparablePattern, ComparableStmt, ComparableTypeParams,
    ComparableWithItem,
};
use ruff_python_ast::{Decorator, ExceptHandler, Expr, Stmt, StmtTry, TypeParams};
use ruff_text_size::{Ranged, TextRange};

/// Whether two runs of statements are the same.
pub(crate) fn same_statements(old: (&Source<'_>, &[Stmt]), new: (&Source<'_>, &[Stmt])) -> bool {
    old.1.len() == new.1.len() && (text(old.0, old.1) == text(new.0, new.1) || same_body(old.1, new.1))
}

fn text<'t>(source: &Source<'t>, stmts: &[Stmt]) -> Option<&'t str> {
    let range = TextRange::new(stmts.first()?.start(), stmts.last()?.end());
    Some(source.slice(range))
}

/// Whether two bodies have the same syntax tree.
pub(crate) fn same_body(old: &[Stmt], new: &[Stmt]) -> bool {
    let same = |(a, b): (&Stmt, &Stmt)| ComparableStmt::from(a) == ComparableStmt::from(b);
    old.len() == new.len() && old.iter().zip(new).all(same)
}

pub(crate) fn same_expr(old: &Expr, new: &Expr) -> bool {
    ComparableExpr::from(old) == ComparableExpr::from(new)
}

pub(crate) fn same_optional(old: Option<&Expr>, new: Option<&Expr>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => same_expr(old, new),
        (None, None) => true,
        _ => false,
    }
}

pub(crate) fn same_decorators(old: &[Decorator], new: &[Decorator]) -> bool {
    let same =
        |(a, b): (&Decorator, &Decorator)| ComparableDecorator::from(a) == ComparableDecorator::from(b);
    old.len() == new.len() && old.iter().zip(new).all(same)
}

pub(crate) fn same_type_params(old: Option<&TypeParams>, new: Option<&TypeParams>) -> bool {
    old.map(ComparableTypeParams::from) == new.map(ComparableTypeParams::from)
}

/// Whether two compound statements other than definitions differ at most inside their blocks.
pub(crate) fn same_header(old: &Stmt, new: &Stmt) -> bool {
    match (old, new) {
        (Stmt::If(old), Stmt::If(new)) => {
            let clauses = old.elif_else_clauses.iter().zip(&new.elif_else_clauses);
            old.elif_else_clauses.len() == new.elif_else_clauses.len()
                && same_expr(&old.test, &new.test)
                && clauses.into_iter().all(|(a, b)| same_optional(a.test.as_ref(), b.test.as_ref()))
        }
        (Stmt::For(old), Stmt::For(new)) => {
            old.is_async == new.is_async
                && old.orelse.is_empty() == new.orelse.is_empty()
                && same_expr(&old.target, &new.target)
                && same_expr(&old.iter, &new.iter)
        }
        (Stmt::While(old), Stmt::While(new)) => {
            old.orelse.is_empty() == new.orelse.is_empty() && same_expr(&old.test, &new.test)
        }
        (Stmt::With(old), Stmt::With(new)) => {
            let items = |items: &[_]| {
                items.iter().map(ComparableWithItem::from).eq(new.items.iter().map(ComparableWithItem::from))
            };
            old.is_async == new.is_async && items(&old.items)
        }
        (Stmt::Match(old), Stmt::Match(new)) => {
            let cases = old.cases.iter().zip(&new.cases);
            old.cases.len() == new.cases.len()
                && same_expr(&old.subject, &new.subject)
                && cases.into_iter().all(|(a, b)| {
                    ComparablePattern::from(&a.pattern) == ComparablePattern::from(&b.pattern)
                        && same_optional(a.guard.as_deref(), b.guard.as_deref())
                })
        }
        (Stmt::Try(old), Stmt::Try(new)) => same_try(old, new),
        _ => false,
    }
}

fn same_try(old: &StmtTry, new: &StmtTry) -> bool {
    let handlers = old.handlers.iter().zip(&new.handlers);
    let same = |(a, b): (&ExceptHandler, &ExceptHandler)| {
        let (ExceptHandler::ExceptHandler(a), ExceptHandler::ExceptHandler(b)) = (a, b);
        a.name.as_deref() == b.name.as_deref() && same_optional(a.type_.as_deref(), b.type_.as_deref())
    };
    old.is_star == new.is_star
        && old.handlers.len() == new.handlers.len()
        && old.orelse.is_empty() == new.orelse.is_empty()
        && old.finalbody.is_empty() == new.finalbody.is_empty()
        && handlers.into_iter().all(same)
}
