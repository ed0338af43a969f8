//! Entries that statements of a scope put into its own tables: who takes such a statement out takes the entry out.

use super::scope_pair::ScopePair;
use crate::dependents::{dotted, mutated_by};
use crate::source::{Bound, Enclosing, Item, same_expr};
use patchctl_protocol::plan::Place;
use ruff_python_ast::{Expr, Stmt};

impl ScopePair<'_, '_> {
    /// Whether an old statement does nothing but put this entry into a table that the scope makes, and fills with
    /// such statements alone: nobody else has put it there.
    pub fn is_own_entry(&self, old: usize, place: &Place) -> bool {
        let Some(key) = self.stored_key(&self.items.old[old]) else { return false };
        let (makers, others): (Vec<usize>, Vec<usize>) =
            (0..self.items.new.len()).partition(|at| self.new_bound[*at].names.contains(&place.object));
        let [maker] = makers[..] else { return false };
        let makes = |stmt: &Stmt| self.makes_without(stmt, key);
        let fills = |at: &usize| {
            let item = &self.items.new[*at];
            mutated_by(item.stmts).contains(&place.object) && self.stored_key(item).is_none()
        };
        place.item && self.items.new[maker].stmts.iter().any(makes) && !others.iter().any(fills)
    }

    /// The key of the entry which is all that an item stores, once.
    fn stored_key<'i>(&self, item: &Item<'i>) -> Option<&'i Expr> {
        let repeats = |enclosing: &Enclosing<'_>| {
            matches!(enclosing, Enclosing::Branch { stmt: Stmt::For(_) | Stmt::While(_), .. })
        };
        let Stmt::Assign(assign) = item.only()? else { return None };
        match &assign.targets[..] {
            [Expr::Subscript(target)] if !item.outer.iter().any(repeats) => {
                Some(&*target.slice).filter(|key| self.is_plain(key))
            }
            _ => None,
        }
    }

    /// Whether a statement binds a name to a new table that does not have this entry.
    fn makes_without(&self, stmt: &Stmt, key: &Expr) -> bool {
        let value = match stmt {
            Stmt::Assign(assign) => Some(&assign.value),
            Stmt::AnnAssign(assign) => assign.value.as_ref(),
            _ => None,
        };
        match value.map(|value| &**value) {
            Some(Expr::Dict(dict)) => dict.items.iter().all(|item| {
                item.key.as_ref().is_some_and(|other| self.is_plain(other) && !same_expr(other, key))
            }),
            Some(Expr::Call(call)) => {
                let most = match dotted(&call.func).as_deref().and_then(|name| name.rsplit('.').next()) {
                    Some("dict" | "OrderedDict") => 0,
                    Some("defaultdict") => 1,
                    _ => return false,
                };
                call.arguments.keywords.is_empty() && call.arguments.args.len() <= most
            }
            _ => false,
        }
    }

    /// Whether a key is the same whenever it is computed: a literal, or a name that is bound once.
    fn is_plain(&self, key: &Expr) -> bool {
        let Some(name) = dotted(key) else {
            return match key {
                Expr::Tuple(tuple) => tuple.elts.iter().all(|part| self.is_plain(part)),
                other => other.is_literal_expr(),
            };
        };
        let root = name.split('.').next().unwrap_or_default();
        let once = |bounds: &[Bound]| {
            bounds.iter().filter(|bound| bound.names.iter().any(|name| name == root)).count() < 2
        };
        once(&self.old_bound) && once(&self.new_bound)
    }
}
