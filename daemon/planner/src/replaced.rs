//! Functions whose names the module itself binds to something else after their definition.

use crate::changes::{FunctionPair, Scope, TargetItem};
use crate::dependents::Reads;
use crate::source::{Bound, Enclosing, Source};
use ruff_python_ast::Stmt;
use ruff_text_size::{Ranged, TextSize};
use rustc_hash::FxHashMap;

/// The statements of a module that bind names, or store into attributes, without being definitions; by the dotted
/// name.
pub(crate) struct Replacements {
    by_name: FxHashMap<String, Vec<Replacement>>,
}

struct Replacement {
    start: TextSize,
    /// How many blocks stand around it.
    blocks: usize,
    in_scope: Option<Scope>,
}

impl Replacements {
    pub fn of(source: &Source<'_>, items: &[TargetItem<'_>]) -> Self {
        let mut found = Self { by_name: FxHashMap::default() };
        for item in items {
            if !matches!(item.item.only(), Some(Stmt::FunctionDef(_) | Stmt::ClassDef(_))) {
                found.add(source, item);
            }
        }
        found
    }

    /// A statement that uses what it replaces (`f = wraps(f)`) is none, other than `del`.
    fn add(&mut self, source: &Source<'_>, item: &TargetItem<'_>) {
        let bound = Bound::of(source, item.item.stmts);
        let reads: Vec<String> =
            item.item.stmts.iter().flat_map(|stmt| Reads::of_statement(stmt).names).collect();
        let entry = |in_scope| Replacement {
            start: item.item.range().start(),
            blocks: blocks(&item.item.outer),
            in_scope,
        };
        let unread = |name: &&String| !reads.contains(name);
        for name in bound.names.iter().filter(unread).chain(&bound.deleted) {
            let dotted = item.scope.dotted(name);
            self.by_name.entry(dotted).or_default().push(entry(Some(item.scope.clone())));
        }
        for place in bound.places.iter().filter(|place| !place.item) {
            let dotted = format!("{}.{}", place.object, place.key);
            if !reads.contains(&dotted) {
                self.by_name.entry(dotted).or_default().push(entry(None));
            }
        }
    }

    /// Whether a later statement, one that runs whenever the definition does, takes the function's name.
    pub fn replace(&self, pair: &FunctionPair<'_>) -> bool {
        let found = self.by_name.get(&pair.scope.dotted(&pair.new.name));
        found.into_iter().flatten().any(|one| {
            let same_scope = one.in_scope.as_ref().is_none_or(|scope| *scope == pair.scope);
            let certain = one.blocks == 0 || one.in_scope.is_some() && one.blocks <= blocks(&pair.new_outer);
            one.start > pair.new.end() && same_scope && certain
        })
    }
}

fn blocks(outer: &[Enclosing<'_>]) -> usize {
    outer.iter().filter(|e| matches!(e, Enclosing::Branch { .. })).count()
}
