//! What a scope lost: names to delete, definitions whose place another one takes.

use super::registers::registers;
use super::scope_pair::ScopePair;
use super::step::{self, Sort, first_words, has_no_effect};
use super::walk::Walker;
use crate::dependents::mutated_by;
use crate::pair::Origin;
use crate::source::{Enclosing, Item, same_decorators};
use patchctl_protocol::plan::{Action, Place, Stale, StepKind};
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::TextSize;
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
            let gone = gone(pair, index);
            if !gone.is_empty() {
                let mut draft = step::delete(pair.scope, gone, sort.removed(), line);
                draft.step.registers = item.stmts.iter().any(registers);
                draft.step.constant = step::constant(self.old, item.stmts);
                self.changes.deletions.push(draft);
            }
            self.remove_from_branch(pair, index, None);
            let places_left = self.remove_places(pair, index, item.range().start());
            let other = sort == Sort::Other && bound.places.is_empty();
            if other && !item.stmts.iter().all(has_no_effect) || places_left || bound.star {
                let (name, because) = (first_words(self.old.slice(item.range())), "its removal".to_owned());
                self.changes.stale.push(Stale { name, line, because, file: None });
            }
        }
        self.changed_away(pair);
        self.lost_definitions(pair, &kept);
    }

    /// A constant goes from a branch (with its statement, or that becomes `heir`), and other branches bind its name to something else: a process that has the
    /// constant came this way, and has no such name any more.
    fn remove_from_branch(&mut self, pair: &ScopePair<'_, 'a>, index: usize, heir: Option<usize>) {
        let (item, bound) = (&pair.items.old[index], &pair.old_bound[index]);
        let in_branch = |item: &Item<'_>| matches!(item.outer.last(), Some(Enclosing::Branch { .. }));
        let Some(constant) = step::constant(self.old, item.stmts).filter(|_| in_branch(item)) else { return };
        let beside = |name: &&String| {
            let mut binders = (0..pair.new_bound.len()).filter(|at| pair.new_bound[*at].names.contains(name));
            let bound = heir.is_some_and(|heir| pair.new_bound[heir].names.contains(name));
            !bound
                && pair.bound_after(name)
                && binders.all(|at| {
                    let item = &pair.items.new[at];
                    in_branch(item) && step::constant(self.new, item.stmts).as_ref() != Some(&constant)
                })
        };
        let names: Vec<String> = bound.names.iter().filter(beside).map(|n| pair.scope.mangle(n)).collect();
        if !names.is_empty() {
            let line = self.old.line_number(item.range().start());
            let mut draft = step::delete(pair.scope, names.clone(), StepKind::RemovedValue, line);
            (draft.step.constant, draft.step.at_times) = (Some(constant), names);
            self.changes.deletions.push(draft);
        }
    }

    /// Tells what a statement did in place before it changed, and what it stored (`left`): the new one does its
    /// part beside that.
    fn note_effects(&mut self, pair: &ScopePair<'_, 'a>, (old, new): (usize, usize), left: bool) {
        let (old, bound, new) = (&pair.items.old[old], &pair.old_bound[old], &pair.items.new[new]);
        let anew = |name: &String| pair.is_made_anew(name);
        let placed = |name: &String| bound.places.iter().any(|place| place.object == *name);
        let mutated = mutated_by(old.stmts).into_iter();
        let mut names: Vec<String> = mutated.filter(|name| !anew(name) && !placed(name)).collect();
        let acts = old.stmts.iter().any(|stmt| !has_no_effect(stmt) && !stmt.is_delete_stmt());
        let unknown = Sort::of(old.stmts, bound) == Sort::Other && bound.places.is_empty() && acts;
        let known = !mutated_by(old.stmts).is_empty();
        if left || names.is_empty() && unknown && !known {
            names.push(first_words(self.new.slice(new.range())));
        }
        let line = self.new.line_number(new.range().start());
        for name in names {
            let (name, because) = (pair.scope.dotted(&name), "what a statement did before".to_owned());
            self.changes.stale.push(Stale { name, line, because, file: None });
        }
    }

    /// Attributes of functions and classes of this scope, and entries of its tables, that a removed statement set
    /// are deleted. Whether it stored something else too, which stays.
    fn remove_places(&mut self, pair: &ScopePair<'_, 'a>, index: usize, start: TextSize) -> bool {
        let kept = |place: &Place| pair.new_bound.iter().any(|bound| bound.places.contains(place));
        let places = pair.old_bound[index].places.iter().filter(|place| !kept(place));
        let (own, left): (Vec<&Place>, Vec<&Place>) =
            places.partition(|place| is_own_attribute(pair, place) || pair.is_own_entry(index, place));
        if !own.is_empty() {
            let line = self.old.line_number(start);
            let mut draft = step::delete(pair.scope, Vec::new(), StepKind::RemovedValue, line);
            draft.step.places = own.into_iter().cloned().collect();
            self.changes.deletions.push(draft);
        }
        !left.is_empty()
    }

    /// A class that is made anew says itself which of the names that its decorators read are gone.
    pub fn forget_made_anew(&mut self, pair: &ScopePair<'_, 'a>) {
        let here = &pair.scope.namespace;
        let steps = self.changes.steps.iter().map(|draft| &draft.step);
        let anew = steps.filter(|step| step.action == Action::Regenerate && step.scope == *here);
        let names: Vec<String> = anew.flat_map(|step| step.binds.clone()).collect();
        let told = |stale: &Stale| {
            let name = names.iter().any(|name| stale.name == pair.scope.dotted(name));
            name && stale.because == Stale::ANNOTATION
        };
        self.changes.stale.retain(|stale| !told(stale));
        for draft in self.changes.deletions.iter_mut().filter(|draft| draft.step.scope == *here) {
            draft.step.binds.retain(|name| !names.contains(name));
        }
        self.changes.deletions.retain(|draft| !draft.step.binds.is_empty() || !draft.step.places.is_empty());
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
        for (index, origin) in pair.origins.iter().enumerate() {
            let Origin::Changed(old) = *origin else { continue };
            let bound = &pair.old_bound[old];
            let start = pair.items.old[old].range().start();
            self.remove_from_branch(pair, old, Some(index));
            let left = self.remove_places(pair, old, start);
            self.note_effects(pair, (old, index), left);
            let gone = gone(pair, old);
            if !gone.is_empty() {
                let item = &pair.items.old[old];
                let kind = Sort::of(item.stmts, bound).removed();
                let line = self.old.line_number(item.range().start());
                let mut draft = step::delete(pair.scope, gone, kind, line);
                draft.step.constant = step::constant(self.old, item.stmts);
                self.changes.deletions.push(draft);
            }
        }
    }
}

/// The names that an old item bound, or annotated, and nothing binds now. With an `__eq__` goes what `type` put
/// beside it.
fn gone(pair: &ScopePair<'_, '_>, old: usize) -> Vec<String> {
    const HASH: &str = "__hash__";
    let annotated = pair.items.old[old].stmts.iter().filter_map(|stmt| match stmt {
        Stmt::AnnAssign(assign) => Some(assign.target.as_name_expr()?.id.to_string()),
        _ => None,
    });
    let annotated = annotated.filter(|name| !pair.annotated_after(name));
    let names = pair.old_bound[old].names.iter().cloned().chain(annotated);
    let mut names: Vec<String> =
        names.filter(|name| !pair.bound_after(name)).map(|name| pair.scope.mangle(&name)).collect();
    names.dedup();
    if pair.class.is_some() && names.iter().any(|name| name == "__eq__") && !pair.bound_before(HASH) {
        names.push(HASH.to_owned());
    }
    names
}

/// Whether a place is an attribute of a function or class that this scope defines, and that nothing else sets.
fn is_own_attribute(pair: &ScopePair<'_, '_>, place: &Place) -> bool {
    let definitions = pair.items.new.iter().filter_map(Item::only);
    let mut of_place = definitions.filter_map(|stmt| match stmt {
        Stmt::FunctionDef(def) => (def.name.as_str() == place.object).then_some(true),
        Stmt::ClassDef(class) => (class.name.as_str() == place.object).then(|| {
            let mut body = class.body.iter();
            !body.any(|stmt| binds(stmt, &place.key))
        }),
        _ => None,
    });
    !place.item && of_place.next_back().unwrap_or(false)
}

/// Whether a statement of a class's body binds a name, at its top or deeper where that can't be told at once.
fn binds(stmt: &Stmt, name: &str) -> bool {
    match stmt {
        Stmt::FunctionDef(def) => def.name.as_str() == name,
        Stmt::ClassDef(class) => class.name.as_str() == name,
        Stmt::Assign(assign) => assign.targets.iter().any(|target| match target {
            Expr::Name(target) => target.id == name,
            _ => true,
        }),
        Stmt::AnnAssign(assign) => assign.target.as_name_expr().is_none_or(|target| target.id == name),
        Stmt::Expr(_) | Stmt::Pass(_) => false,
        _ => true,
    }
}
