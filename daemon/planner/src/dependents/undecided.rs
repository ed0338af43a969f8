//! Items of blocks whose condition reads changed values.

use super::reads::Reads;
use super::spread::Spread;
use crate::changes::TargetItem;
use crate::source::{Bound, Enclosing};
use ruff_python_ast::{Expr, Stmt};

impl<'a> Spread<'_, '_, '_, 'a> {
    /// Tells an item of a block whose condition reads changed values: it is not decided again. Whether it is one.
    pub(super) fn is_undecided(&mut self, item: &TargetItem<'a>) -> bool {
        let root = conditions(&item.item.outer).find_map(|condition| {
            let reads = Reads::of_expression(condition);
            let root = self.changed.value_root(&item.scope, &reads);
            root.or_else(|| self.changed.call_root(&item.scope, &reads)).cloned()
        });
        let Some(root) = root else { return false };
        let bound = Bound::of(self.source, item.item.stmts);
        self.stale_statement(item, &root, &bound);
        true
    }
}

/// What decides whether an item in these blocks is executed, and how often.
fn conditions<'a>(outer: &[Enclosing<'a>]) -> impl Iterator<Item = &'a Expr> {
    let of = |enclosing: &Enclosing<'a>| -> Vec<&'a Expr> {
        match enclosing {
            Enclosing::Branch { stmt: Stmt::If(stmt), .. } => {
                let others = stmt.elif_else_clauses.iter().filter_map(|clause| clause.test.as_ref());
                std::iter::once(&*stmt.test).chain(others).collect()
            }
            // What a loop goes through.
            Enclosing::Branch { stmt: Stmt::For(stmt), .. } => vec![&stmt.iter],
            Enclosing::Branch { stmt: Stmt::While(stmt), .. } => vec![&stmt.test],
            Enclosing::Branch { .. } | Enclosing::Class(_) => Vec::new(),
        }
    };
    outer.iter().flat_map(of)
}
