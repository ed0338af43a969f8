//! One scope in both texts: its items, where each came from, and which are to be executed.

use super::import;
use super::scope::Scope;
use super::step::Sort;
use crate::dependents::{Reads, is_pure};
use crate::pair::{Origin, ScopeItems};
use crate::source::{Bound, Enclosing, Item};
use ruff_python_ast::{Expr, Stmt, StmtClassDef};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;

/// A class in both texts.
#[derive(Clone, Copy)]
pub(super) struct ClassPair<'a> {
    pub old: &'a StmtClassDef,
    pub new: &'a StmtClassDef,
}

/// One scope in both texts.
pub(super) struct ScopePair<'w, 'a> {
    pub scope: &'w Scope,
    pub class: Option<ClassPair<'a>>,
    pub items: ScopeItems<'a>,
    pub origins: Vec<Origin>,
    pub old_bound: Vec<Bound>,
    pub new_bound: Vec<Bound>,
    /// Indices of new items that are to be executed.
    pub execute: BTreeSet<usize>,
}

impl<'a> ScopePair<'_, 'a> {
    pub fn bound_before(&self, name: &str) -> bool {
        self.old_bound.iter().any(|bound| bound.names.iter().any(|known| known == name))
    }

    /// Whether an import bound one of the names last.
    pub fn was_imported(&self, names: &[String]) -> bool {
        names.iter().any(|name| {
            let binder = self.old_bound.iter().rposition(|bound| bound.names.contains(name));
            binder.is_some_and(|index| {
                Sort::of(self.items.old[index].stmts, &self.old_bound[index]) == Sort::Import
            })
        })
    }

    /// Whether an item is an import statement that only lost names.
    pub fn loses_imports(&self, index: usize) -> bool {
        let Origin::Changed(old) = self.origins[index] else { return false };
        import::only_loses(self.items.old[old].stmts, self.items.new[index].stmts)
    }

    pub fn bound_after(&self, name: &str) -> bool {
        self.new_bound.iter().any(|bound| bound.names.iter().any(|known| known == name))
    }

    /// A statement that stood in a block and stands alone now may not have been executed.
    pub fn execute_unconditional(&mut self) {
        for (index, origin) in self.origins.iter().enumerate() {
            let Origin::Same(old) = *origin else { continue };
            if self.items.old[old].opened {
                self.execute.insert(index);
            }
        }
    }

    /// Where the last statement that binds a name is the same as one that was not the last before, its
    /// value comes back: it is executed.
    pub fn execute_last_binders(&mut self) {
        let last = |bounds: &[Bound], name: &str| {
            bounds.iter().rposition(|bound| bound.names.iter().any(|known| known == name))
        };
        let names: BTreeSet<&String> = self.new_bound.iter().flat_map(|bound| &bound.names).collect();
        for name in names {
            let (Some(new), Some(old)) = (last(&self.new_bound, name), last(&self.old_bound, name)) else {
                continue;
            };
            if matches!(self.origins[new], Origin::Same(same) if same != old) {
                self.execute.insert(new);
            }
        }
    }

    /// Where the last of several definitions of a name is gone (the deleter of a property, say), what it made of
    /// the one before it goes too: what is left of them is executed.
    pub fn execute_definitions_left(&mut self) {
        let kept: BTreeSet<usize> = self.origins.iter().filter_map(|origin| origin.index()).collect();
        let lost = (0..self.items.old.len()).filter(|old| !kept.contains(old));
        let built_on = |old: &usize| match self.items.old[*old].only() {
            Some(Stmt::FunctionDef(def)) => {
                let own = |expr: &Expr| {
                    matches!(expr, Expr::Attribute(attribute)
                    if matches!(&*attribute.value, Expr::Name(name) if name.id == def.name.id))
                };
                def.decorator_list.iter().any(|decorator| own(&decorator.expression))
            }
            _ => false,
        };
        let names: BTreeSet<String> =
            lost.filter(built_on).flat_map(|old| self.old_bound[old].names.clone()).collect();
        for index in 0..self.items.new.len() {
            if self.new_bound[index].names.iter().any(|name| names.contains(name)) {
                self.execute.insert(index);
            }
        }
    }

    /// An augmented assignment needs the value before it, so the whole chain of a name is executed.
    pub fn execute_augmented(&mut self) {
        let names: BTreeSet<String> =
            self.new_bound.iter().chain(&self.old_bound).flat_map(|bound| bound.augmented.clone()).collect();
        for name in names {
            let binds = |index: &usize| self.new_bound[*index].names.contains(&name);
            let chain: Vec<usize> = (0..self.new_bound.len()).filter(binds).collect();
            let plain = |index: &usize| !self.new_bound[*index].augmented.contains(&name);
            let base = chain.iter().rposition(plain).unwrap_or(0);
            let kept: BTreeSet<usize> = self.origins.iter().filter_map(|origin| origin.index()).collect();
            let lost = (0..self.old_bound.len())
                .any(|old| !kept.contains(&old) && self.old_bound[old].names.contains(&name));
            let chain = &chain[base.min(chain.len())..];
            if lost || chain.iter().any(|index| self.execute.contains(index)) {
                self.execute.extend(chain);
            }
        }
    }

    /// What is executed finds, in names that are bound again and again, what it would have found when the
    /// module ran: the last statement before it that binds the name is executed too. Returns what that can't
    /// be done for: the item and the name, where that statement does more than compute a value.
    pub fn execute_bound_before(&mut self) -> Vec<(usize, String)> {
        let binders = self.rebound_values();
        let mut problems = Vec::new();
        let mut open: Vec<usize> =
            if binders.is_empty() { Vec::new() } else { self.execute.iter().copied().collect() };
        while let Some(index) = open.pop() {
            let item = &self.items.new[index];
            let reads = item.stmts.iter().flat_map(|stmt| Reads::of_statement(stmt).names);
            let mut names: Vec<String> =
                reads.map(|name| name.split('.').next().unwrap_or_default().to_owned()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let Some(all) = binders.get(&(block(item), name.clone())) else { continue };
                let Some(before) = all.iter().rev().find(|at| **at < index).copied() else { continue };
                let deleted = self.deleters(index, &name);
                let open_before = self.execute.len();
                self.execute.extend(&deleted);
                if self.execute.len() > open_before {
                    open.extend(deleted.iter().copied());
                }
                let last = deleted.is_empty() && all.last().is_none_or(|last| *last == before);
                if last || self.execute.contains(&before) {
                    continue;
                }
                let definition = matches!(
                    Sort::of(self.items.new[before].stmts, &self.new_bound[before]),
                    Sort::Function | Sort::Class | Sort::Import
                );
                if !definition && !self.items.new[before].stmts.iter().all(is_pure) {
                    problems.push((index, name));
                } else if self.execute.insert(before) {
                    open.push(before);
                }
            }
        }
        problems
    }

    /// The statements behind an item that delete a name.
    fn deleters(&self, index: usize, name: &String) -> Vec<usize> {
        let deletes = |at: &usize| self.new_bound[*at].deleted.contains(name);
        (index + 1..self.new_bound.len()).filter(deletes).collect()
    }

    /// The items that bind names without being definitions or imports, in order, where there are several of
    /// them for a name in a block; and all that bind names which are deleted.
    fn rebound_values(&self) -> FxHashMap<(Block, String), Vec<usize>> {
        let mut found: FxHashMap<(Block, String), Vec<usize>> = FxHashMap::default();
        let deleted: FxHashSet<&String> = self.new_bound.iter().flat_map(|bound| &bound.deleted).collect();
        for (index, item) in self.items.new.iter().enumerate() {
            let value = Sort::of(item.stmts, &self.new_bound[index]) == Sort::Value;
            for name in self.new_bound[index].names.iter().filter(|name| value || deleted.contains(name)) {
                found.entry((block(item), name.clone())).or_default().push(index);
            }
        }
        found.retain(|(_, name), all| all.len() > 1 || deleted.contains(&name));
        found
    }

    /// Who executes one of several statements of a block that bind a name executes those after it too, or the
    /// name would end with the value of an earlier one. Signatures for type checkers (`@overload`) are
    /// nobody's value.
    pub fn execute_rebinders(&mut self) {
        let items = &self.items.new;
        self.execute.retain(|index| !items[*index].only().is_some_and(is_overload));
        let mut executed: FxHashSet<(Block, &str)> = FxHashSet::default();
        for (index, item) in items.iter().enumerate() {
            if item.only().is_some_and(is_overload) {
                continue;
            }
            let block = block(item);
            let names = self.new_bound[index].names.iter().map(|name| (block, name.as_str()));
            if names.clone().any(|name| executed.contains(&name)) {
                self.execute.insert(index);
            }
            if self.execute.contains(&index) {
                executed.extend(names);
            }
        }
    }

    /// A star import may bind what another one behind it binds too.
    pub fn execute_later_stars(&mut self) {
        let star = |index: &usize| self.new_bound[*index].star;
        if let Some(first) = self.execute.iter().copied().find(star) {
            let later: Vec<usize> = (first..self.new_bound.len()).filter(star).collect();
            self.execute.extend(later);
        }
    }

    /// What is bound anew and deleted behind is deleted again.
    pub fn execute_deleters(&mut self) {
        let bound =
            self.execute.iter().flat_map(|at| self.new_bound[*at].names.iter().map(|name| (*at, name)));
        let deleters: Vec<usize> = bound.flat_map(|(at, name)| self.deleters(at, name)).collect();
        self.execute.extend(deleters);
    }

    /// The names that statements behind a star import bind.
    pub fn bound_behind_star(&self, index: usize) -> Option<Vec<String>> {
        let behind = self.new_bound[index + 1..].iter().flat_map(|bound| bound.names.iter().cloned());
        self.new_bound[index].star.then(|| behind.collect())
    }

    /// Whether something annotates the name without binding it.
    pub fn annotated_after(&self, name: &str) -> bool {
        let annotates = |stmt: &Stmt| match stmt {
            Stmt::AnnAssign(assign) => assign.target.as_name_expr().is_some_and(|target| target.id == name),
            _ => false,
        };
        self.items.new.iter().any(|item| item.stmts.iter().any(annotates))
    }

    /// What stands around the statements of this scope in the target, its own class included.
    pub fn class_outer(&self) -> Vec<Enclosing<'a>> {
        let item = self.items.new.first().or(self.items.old.first());
        let class = |e: &Enclosing<'_>| matches!(e, Enclosing::Class(_));
        let outer = item.map_or(&[][..], |item| &item.outer);
        let end = outer.iter().rposition(class).map_or(0, |at| at + 1);
        outer[..end].to_vec()
    }
}

/// What an item stands in directly: the statement (by address) and the number of its branch.
type Block = Option<(usize, usize)>;

fn block(item: &Item<'_>) -> Block {
    let last = item.outer.last()?;
    Some(match last {
        Enclosing::Class(class) => (std::ptr::from_ref(*class) as usize, 0),
        Enclosing::Branch { stmt, index, .. } => (std::ptr::from_ref(*stmt) as usize, *index),
    })
}

/// Whether a definition is a signature for type checkers (`typing.overload`).
pub(super) fn is_overload(stmt: &Stmt) -> bool {
    let Stmt::FunctionDef(def) = stmt else { return false };
    def.decorator_list.iter().any(|decorator| match &decorator.expression {
        Expr::Name(name) => name.id == "overload",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "overload",
        _ => false,
    })
}
