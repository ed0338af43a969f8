//! What a scope lost: names to delete, definitions whose place another one takes.

use super::registers::registers;
use super::scope_pair::ScopePair;
use super::step::{self, Sort, first_words, has_no_effect};
use super::walk::Walker;
use crate::pair::Origin;
use crate::source::same_decorators;
use patchctl_protocol::plan::{Action, Stale};
use ruff_python_ast::Stmt;
use std::collections::BTreeSet;

impl<'a> Walker<'_, '_, '_, 'a> {
    /// Deletes names that are bound no more, and names removed statements without a name.
    pub fn removed(&mut self, pair: &ScopePair<'_, 'a>) {
        let kept: BTreeSet<usize> = pair.origins.iter().filter_map(|origin| origin.index()).collect();
        for (index, item) in pair.items.old.iter().enumerate().filter(|(i, _)| !kept.contains(i)) {
            self.changes.beyond_functions = true;
            let bound = &pair.old_bound[index];
            let sort = Sort::of(item.stmts, bound);
            let line = self.old.line_number(item.range().start());
            let gone: Vec<String> =
                bound.names.iter().filter(|n| !pair.bound_after(n)).map(|n| pair.scope.mangle(n)).collect();
            if !gone.is_empty() {
                let mut draft = step::delete(pair.scope, gone, sort.removed(), line);
                draft.step.registers = item.stmts.iter().any(registers);
                self.changes.deletions.push(draft);
            }
            if sort == Sort::Other && !item.stmts.iter().all(has_no_effect) || !bound.places.is_empty() {
                let words = first_words(self.old.slice(item.range()));
                let line = 0;
                self.changes.stale.push(Stale {
                    name: words,
                    line,
                    because: "its removal".to_owned(),
                    file: None,
                });
            }
        }
        self.changed_away(pair);
        self.lost_definitions(pair, &kept);
    }

    /// A class that is made anew says itself which of the names that its decorators read are gone.
    pub fn forget_made_anew(&mut self, pair: &ScopePair<'_, 'a>) {
        let here = &pair.scope.namespace;
        let steps = self.changes.steps.iter().map(|draft| &draft.step);
        let anew = steps.filter(|step| step.action == Action::Regenerate && step.scope == *here);
        let names: Vec<String> = anew.flat_map(|step| step.binds.clone()).collect();
        for draft in self.changes.deletions.iter_mut().filter(|draft| draft.step.scope == *here) {
            draft.step.binds.retain(|name| !names.contains(name));
        }
        self.changes.deletions.retain(|draft| !draft.step.binds.is_empty());
    }

    /// Of several definitions of a name, in branches or one after the other, one is left: whichever of
    /// them runs becomes that one.
    fn lost_definitions(&mut self, pair: &ScopePair<'_, 'a>, kept: &BTreeSet<usize>) {
        for (index, item) in pair.items.old.iter().enumerate().filter(|(i, _)| !kept.contains(i)) {
            let Some(Stmt::FunctionDef(old)) = item.only() else { continue };
            let heir = pair.items.new.iter().rev().find_map(|new| match new.only() {
                Some(Stmt::FunctionDef(def)) if def.name.as_str() == old.name.as_str() => Some((def, new)),
                _ => None,
            });
            let Some((new, new_item)) = heir else { continue };
            if same_decorators(&old.decorator_list, &new.decorator_list) {
                self.function(pair.scope, (old, &Some(pair.items.old[index].clone())), (new, new_item));
            }
        }
    }

    /// Names that a changed statement bound before and nothing binds now.
    fn changed_away(&mut self, pair: &ScopePair<'_, 'a>) {
        for origin in &pair.origins {
            let Origin::Changed(old) = *origin else { continue };
            let bound = &pair.old_bound[old];
            let gone: Vec<String> =
                bound.names.iter().filter(|n| !pair.bound_after(n)).map(|n| pair.scope.mangle(n)).collect();
            if !gone.is_empty() {
                let item = &pair.items.old[old];
                let kind = Sort::of(item.stmts, bound).removed();
                let line = self.old.line_number(item.range().start());
                self.changes.deletions.push(step::delete(pair.scope, gone, kind, line));
            }
        }
    }
}
