//! Walks the scopes of a module (its body and its class bodies) in two texts and collects what changed.

use super::found::{Changes, Definition, FunctionPair, TargetItem};
use super::import;
use super::lambda::{self, LambdaPair};
use super::scope::Scope;
use super::scope_pair::{ClassPair, ScopePair};
use super::step::{self, Draft, Sort, has_no_effect};
use crate::excerpt::Excerpt;
use crate::pair::{Origin, items, origins};
use crate::parts::parts;
use crate::source::{Bound, Enclosing, Item, Source, bound_at_times};
use patchctl_protocol::plan::{Parts, StepKind, Unsupported};
use ruff_python_ast::{Expr, Stmt, StmtFunctionDef};
use ruff_text_size::Ranged;
use std::collections::BTreeSet;

/// Finds what changed between two texts.
pub(crate) fn find<'a>(old: &'a Source<'_>, new: &'a Source<'_>) -> Changes<'a> {
    let mut walker = Walker { old, new, changes: Changes::default() };
    walker.scope(&Scope::default(), None, (old.body(), &[]), (new.body(), &[]));
    walker.subclasses();
    walker.changes
}

pub(super) struct Walker<'s, 't, 'u, 'a> {
    pub old: &'s Source<'t>,
    pub new: &'s Source<'u>,
    pub changes: Changes<'a>,
}

/// Statements of a block and what stands around it.
pub(super) type Body<'a, 'o> = (&'a [Stmt], &'o [Enclosing<'a>]);

impl<'a> Walker<'_, '_, '_, 'a> {
    pub fn scope(
        &mut self,
        scope: &Scope,
        class: Option<ClassPair<'a>>,
        old: Body<'a, '_>,
        new: Body<'a, '_>,
    ) {
        let items = items((self.old, old.0, old.1), (self.new, new.0, new.1));
        let origins = origins(self.old, self.new, &items);
        let bound = |source: &Source<'_>, items: &[Item<'_>]| -> Vec<Bound> {
            items.iter().map(|item| Bound::of(source, item.stmts)).collect()
        };
        let old_bound = bound(self.old, &items.old);
        let new_bound = bound(self.new, &items.new);
        self.changes.old_functions.extend(definitions(scope, &items.old));
        self.changes.new_functions.extend(definitions(scope, &items.new));
        let execute = BTreeSet::new();
        let mut pair = ScopePair { scope, class, items, origins, old_bound, new_bound, execute };
        self.docstring(&pair, old.0, new.0);
        pair.execute_unconditional();
        for index in 0..pair.items.new.len() {
            self.item(&mut pair, index);
        }
        pair.execute_last_binders();
        pair.execute_definitions_left();
        pair.execute_augmented();
        self.execute_in_order(&mut pair);
        self.executions(&pair);
        self.removed(&pair);
        self.forget_made_anew(&pair);
        self.list(pair);
    }

    /// Has names that are bound again and again hold what they held when the module ran, first for what is
    /// executed and then in the end.
    fn execute_in_order(&mut self, pair: &mut ScopePair<'_, 'a>) {
        loop {
            let before = pair.execute.len();
            pair.execute_mutators();
            pair.execute_later_stars();
            pair.execute_deleters();
            pair.execute_rebinders();
            let problems = pair.execute_bound_before();
            if pair.execute.len() > before {
                continue;
            }
            for (index, name) in problems {
                let line = self.new.line_number(pair.items.new[index].range().start());
                let detail = format!("it reads {name}, which is bound to something else by now");
                let what = pair.new_bound[index].names.first().map_or("a statement", String::as_str);
                self.unsupported(pair.scope.dotted(what), line, &detail);
            }
            return;
        }
    }

    /// Looks at one item of the target.
    fn item(&mut self, pair: &mut ScopePair<'_, 'a>, index: usize) {
        let (origin, item) = (pair.origins[index], pair.items.new[index].clone());
        let old = match origin {
            Origin::Same(old) | Origin::Changed(old) => Some(pair.items.old[old].clone()),
            Origin::New => None,
        };
        match (old.as_ref().and_then(Item::only), item.only()) {
            (Some(Stmt::FunctionDef(before)), Some(Stmt::FunctionDef(after))) if origin.is_changed() => {
                let parts = self.function(pair.scope, (before, &old), (after, &item));
                if parts.decorators || parts.kind {
                    pair.execute.insert(index);
                }
            }
            (Some(Stmt::ClassDef(before)), Some(Stmt::ClassDef(after))) => {
                let classes = ClassPair { old: before, new: after };
                self.class(pair.scope, classes, old.as_ref().map_or(&[], |old| &old.outer), &item.outer);
            }
            _ if origin.is_changed() && self.lambdas(pair.scope, old.as_ref(), &item) => {}
            _ if self.is_annotation_alone(pair, index) => {
                self.changes.beyond_functions = true;
                self.annotation_only(pair, index);
            }
            _ if origin == Origin::New || origin.is_changed() => {
                self.statement(pair, index);
            }
            _ => {}
        }
    }

    pub fn function(
        &mut self,
        scope: &Scope,
        old: (&'a StmtFunctionDef, &Option<Item<'a>>),
        new: (&'a StmtFunctionDef, &Item<'a>),
    ) -> Parts {
        let parts = parts(old.0, new.0);
        if parts.code {
            self.instance_attributes(scope, new.0);
        }
        self.changes.functions.push(FunctionPair {
            scope: scope.clone(),
            old: old.0,
            old_outer: old.1.as_ref().map(|item| item.outer.clone()).unwrap_or_default(),
            new: new.0,
            new_outer: new.1.outer.clone(),
            parts,
            because: Vec::new(),
        });
        parts
    }

    /// Whether lambdas are all that a changed statement differs in.
    fn lambdas(&mut self, scope: &Scope, old: Option<&Item<'a>>, new: &Item<'a>) -> bool {
        let found = old.and_then(|old| Some((old, lambda::difference(old, new)?)));
        let Some((old, lambdas)) = found.filter(|(_, lambdas)| !lambdas.is_empty()) else { return false };
        let name = new.only().map(lambda::bound_name).unwrap_or_default();
        let (scope, old, new) = (scope.clone(), old.clone(), new.clone());
        let parts = Parts { code: true, ..Parts::default() };
        let because = Vec::new();
        self.changes.lambdas.push(LambdaPair { scope, name, old, new, lambdas, parts, because });
        true
    }

    /// A new or changed statement, or a new definition.
    fn statement(&mut self, pair: &mut ScopePair<'_, 'a>, index: usize) {
        let item = &pair.items.new[index];
        self.changes.beyond_functions = true;
        if item.stmts.iter().all(has_no_effect) {
            self.annotation_only(pair, index);
        } else if pair.loses_imports(index) {
            // What it lost is deleted; what it kept is bound already.
        } else {
            pair.execute.insert(index);
        }
    }

    pub fn unsupported(&mut self, name: String, line: u32, detail: &str) {
        self.changes.beyond_functions = true;
        let detail = detail.to_owned();
        self.changes.unsupported.push(Unsupported { name, line, detail, patches: Vec::new() });
    }

    /// Makes steps of the items to execute.
    fn executions(&mut self, pair: &ScopePair<'_, 'a>) {
        let made_anew = pair.class.is_some() && self.special_class(pair);
        let mut units = BTreeSet::new();
        for &index in &pair.execute {
            let item = &pair.items.new[index];
            // Definitions belong to the class that is there: their `super()` must find it.
            if made_anew && !matches!(item.only(), Some(Stmt::FunctionDef(_) | Stmt::ClassDef(_))) {
                continue;
            }
            let unit = item.unit();
            let (stmts, outer) = unit.unwrap_or((item.stmts, &item.outer[..]));
            let start = stmts.first().map(Ranged::start);
            if unit.is_some() && !units.insert(start) {
                continue;
            }
            let bound = &pair.new_bound[index];
            let replaces = bound.names.iter().any(|name| pair.bound_before(name));
            let sort = Sort::of(item.stmts, bound);
            let places = !bound.places.is_empty() && pair.origins[index].is_changed();
            let changed = replaces || places;
            let kind = match changed {
                // What was there belongs to another module.
                true if pair.was_imported(&bound.names) => StepKind::ChangedImport,
                true => sort.changed(),
                false if matches!(pair.origins[index], Origin::Same(_)) => StepKind::Renewed,
                false => sort.added(pair.class.is_some()),
            };
            let mut draft = step::execute(self.new, pair.scope, outer, stmts, kind);
            draft.step.replaces = changed;
            draft.step.star = pair.bound_behind_star(index);
            let in_branch = matches!(item.outer.last(), Some(Enclosing::Branch { .. }));
            if let (Origin::Changed(old), false) = (pair.origins[index], in_branch) {
                self.reduce_import(pair, old, item, &mut draft);
                draft.step.at_times = self.bound_by_old_at_times(pair, old, index);
            }
            self.changes.steps.push(draft);
        }
    }

    /// Names that the old statement bound, and of all new ones this one alone, on some of its ways.
    fn bound_by_old_at_times(&self, pair: &ScopePair<'_, 'a>, old: usize, index: usize) -> Vec<String> {
        let mut names = bound_at_times(self.new, pair.items.new[index].stmts);
        names.retain(|name| {
            let binders = pair.new_bound.iter().filter(|bound| bound.names.contains(name)).count();
            binders == 1 && pair.old_bound[old].names.contains(name)
        });
        names
    }

    /// Imports only the names that the old statement did not import.
    fn reduce_import(&self, pair: &ScopePair<'_, 'a>, old: usize, item: &Item<'a>, draft: &mut Draft) {
        let before = pair.items.old[old].stmts;
        let Some(text) = import::reduced(before, item.stmts) else { return };
        let mut excerpt = Excerpt::new(self.new);
        excerpt.keep_text(&item.outer, item.range().start(), &text);
        draft.step.source = Some(excerpt.text());
        let names = import::reduced_names(before, item.stmts);
        draft.step.replaces = names.iter().any(|name| pair.bound_before(name));
        draft.step.kind = if draft.step.replaces { StepKind::ChangedImport } else { StepKind::NewImport };
        draft.step.binds = names.iter().map(|name| pair.scope.mangle(name)).collect();
    }

    /// The docstring of a module or class.
    fn docstring(&mut self, pair: &ScopePair<'_, 'a>, old: &'a [Stmt], new: &'a [Stmt]) {
        let (before, after) = (docstring(old), docstring(new));
        if before == after {
            return;
        }
        self.changes.beyond_functions = true;
        let Some(first) = new.first() else { return };
        let outer = pair.class_outer();
        let mut draft = step::execute(self.new, pair.scope, &outer, &new[..1], StepKind::ChangedValue);
        let value = if after.is_some() { self.new.slice(first.range()) } else { "None" };
        let mut excerpt = Excerpt::empty(self.new);
        excerpt.keep_text(&outer, first.start(), &format!("__doc__ = {value}"));
        draft.step.source = Some(excerpt.text());
        draft.step.places.clear();
        draft.step.binds = vec!["__doc__".to_owned()];
        draft.step.replaces = true;
        self.changes.steps.push(draft);
    }

    /// Remembers the items of the target.
    fn list(&mut self, pair: ScopePair<'_, 'a>) {
        let alone: Vec<bool> =
            (0..pair.items.new.len()).map(|index| self.is_annotation_alone(&pair, index)).collect();
        let ScopePair { scope, items, origins, execute, .. } = pair;
        for (index, item) in items.new.into_iter().enumerate() {
            let differs = !matches!(origins[index], Origin::Same(_)) && !alone[index];
            let changed = execute.contains(&index) || differs;
            let origin = origins[index].index().map(|old| items.old[old].clone());
            self.changes.items.push(TargetItem { scope: scope.clone(), item, origin, changed });
        }
    }
}

fn definitions<'a>(scope: &Scope, items: &[Item<'a>]) -> Vec<Definition<'a>> {
    let function = |item: &Item<'a>| {
        let Some(Stmt::FunctionDef(def)) = item.only() else { return None };
        Some(Definition { scope: scope.clone(), def, outer: item.outer.clone() })
    };
    items.iter().filter_map(function).collect()
}

fn docstring(body: &[Stmt]) -> Option<&str> {
    let Stmt::Expr(first) = body.first()? else { return None };
    let Expr::StringLiteral(literal) = &*first.value else { return None };
    Some(literal.value.to_str())
}
