//! Follows changed values through the statements of a module, in source order.

use super::annotations::{self, Annotations};
use super::changed::Changed;
use super::mutated::mutated;
use super::pure::is_pure;
use super::reads::Reads;
use super::seeds::{key, seeds};
use super::told::stale;
use crate::changes::{Changes, Draft, FunctionPair, Scope, TargetItem, execute, first_words};
use crate::source::{Bound, Source};
use patchctl_protocol::hook::Phase;
use patchctl_protocol::plan::{Action, Affected, Parts, Stale, StepKind, Unsupported};
use ruff_python_ast::Stmt;
use ruff_text_size::{Ranged, TextSize};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// Adds to the changes what follows from them. `renew` names stale values to compute anew (`all` for every
/// one).
///
/// At import everything is computed by new code: only which functions are affected is of use, for the time when
/// a patch leaves the running process.
pub(crate) fn add(source: &Source<'_>, changes: &mut Changes<'_>, renew: &[String], phase: Phase) {
    let mut items = std::mem::take(&mut changes.items);
    items.sort_by_key(|item| item.item.range().start());
    let changed = seeds(source, changes, &items);
    if !changed.is_empty() {
        let mut spread = Spread {
            source,
            changes,
            renew,
            changed,
            mutated: FxHashMap::default(),
            decorated: BTreeSet::new(),
        };
        spread.callables(&items);
        spread.affected(&items);
        spread.mutated = mutators(&items);
        for item in items.iter().filter(|_| phase == Phase::Live) {
            spread.item(item);
        }
        if !annotations::are_texts(source) {
            let mut annotations = Annotations { source, changed: &spread.changed, changes: spread.changes };
            for item in items.iter().filter(|_| phase == Phase::Live) {
                annotations.of_item(item);
            }
        }
    }
    changes.items = items;
}

pub(super) struct Spread<'s, 't, 'c, 'a> {
    pub source: &'s Source<'t>,
    pub(super) changes: &'c mut Changes<'a>,
    renew: &'s [String],
    pub changed: Changed,
    /// What the module's functions (by name) change in place when they are called.
    mutated: FxHashMap<String, BTreeSet<String>>,
    /// Functions (dotted) that are decorated again because of what their decorators read.
    pub(super) decorated: BTreeSet<String>,
}

fn mutators(items: &[TargetItem<'_>]) -> FxHashMap<String, BTreeSet<String>> {
    let function = |item: &TargetItem<'_>| match item.item.only() {
        Some(Stmt::FunctionDef(def)) if item.scope.namespace.is_empty() => {
            Some((def.name.to_string(), mutated(def)))
        }
        _ => None,
    };
    items.iter().filter_map(function).collect()
}

impl<'a> Spread<'_, '_, '_, 'a> {
    fn item(&mut self, item: &TargetItem<'a>) {
        if !item.changed && self.is_undecided(item) {
            return;
        }
        match item.item.only() {
            Some(Stmt::FunctionDef(def)) => {
                self.defaults(item, def);
                self.definition(item);
            }
            Some(Stmt::ClassDef(_)) => self.definition(item),
            _ => self.statement(item),
        }
    }

    /// Notes the functions that answer differently when called.
    fn affected(&mut self, items: &[TargetItem<'a>]) {
        for item in items {
            let Some(Stmt::FunctionDef(def)) = item.item.only() else { continue };
            let name = key(&item.scope.namespace, &item.scope.mangle(&def.name));
            let Some(because) = self.changed.callable_root(&name).cloned() else { continue };
            let line = self.source.line_number(def.start());
            self.changes.affected.push(Affected { name, line, because, patches: Vec::new() });
        }
    }

    /// A function whose defaults are computed from changed values gets new ones.
    fn defaults(&mut self, item: &TargetItem<'a>, def: &'a ruff_python_ast::StmtFunctionDef) {
        let reads = Reads::of_defaults(&def.parameters);
        let root = self.changed.value_root(&item.scope, &reads);
        let root = root.or_else(|| self.changed.call_root(&item.scope, &reads));
        let Some(root) = root.cloned() else { return };
        let late = self.changed.is_late(&item.scope, &reads);
        if item.origin.is_none() {
            // Executed whole.
            self.mark_late(item, &reads);
            return;
        }
        if self.changed.is_stale(&item.scope, &reads) || late && !item.changed {
            return self.stale(&item.scope, &def.name, def.start(), &root);
        }
        let known = self.changes.functions.iter_mut().find(|pair| std::ptr::eq(pair.new, def));
        if let (Some(pair), true) = (&known, late) {
            let line = self.source.line_number(def.start());
            let detail = format!("a default is computed with {root}, which changes itself");
            let name = pair.scope.dotted(&def.name);
            self.changes.unsupported.push(Unsupported { name, line, detail, patches: Vec::new() });
            return;
        }
        if let Some(pair) = known {
            pair.parts.defaults = true;
        } else if let Some(origin) = &item.origin
            && let Some(Stmt::FunctionDef(old)) = origin.only()
        {
            self.changes.functions.push(FunctionPair {
                scope: item.scope.clone(),
                old,
                old_outer: origin.outer.clone(),
                new: def,
                new_outer: item.item.outer.clone(),
                parts: Parts { defaults: true, ..Parts::default() },
                because: vec![root],
            });
        }
    }

    /// A definition whose decorators or bases changed their meaning.
    fn definition(&mut self, item: &TargetItem<'a>) {
        let Some(stmt) = item.item.only() else { return };
        let reads = Reads::of_statement(stmt);
        let scope = &item.scope;
        if item.changed && (self.mark_late(item, &reads) || item.origin.is_none()) {
            return;
        }
        let root = self.changed.value_root(scope, &reads).or_else(|| self.changed.call_root(scope, &reads));
        let Some(root) = root.cloned() else { return };
        if self.decorate_again(item, &reads) {
            return;
        }
        for name in Bound::of(self.source, item.item.stmts).names {
            self.stale(scope, &name, stmt.start(), &root);
        }
    }

    fn stale(&mut self, scope: &Scope, name: &str, start: TextSize, root: &str) {
        stale(self.source, self.changes, scope, name, start, root);
    }

    fn statement(&mut self, item: &TargetItem<'a>) {
        let mut reads = Reads::default();
        for stmt in item.item.stmts {
            let more = Reads::of_statement(stmt);
            reads.names.extend(more.names);
            reads.calls.extend(more.calls);
        }
        if item.changed {
            self.mark_late(item, &reads);
            self.delete_late(item);
            return;
        }
        let scope = &item.scope;
        let root = self.changed.value_root(scope, &reads).or_else(|| self.changed.call_root(scope, &reads));
        let Some(root) = root.cloned() else { return };
        if self.lambda_defaults(item, &root, &reads) {
            return;
        }
        let bound = Bound::of(self.source, item.item.stmts);
        let named: Vec<String> = bound.names.iter().map(|name| scope.dotted(name)).collect();
        let places: Vec<String> = bound.places.iter().map(place_name).collect();
        let binds = !named.is_empty() || !places.is_empty();
        let wanted = named.iter().chain(&places).any(|name| self.renew.contains(name))
            || binds && self.renew.iter().any(|name| name == "all");
        let wanted = wanted && !self.changed.is_deleted(scope, &reads);
        let pure = item.item.stmts.iter().all(is_pure) && item.item.unit().is_none();
        if wanted
            || pure
                && !self.changed.is_stale(scope, &reads)
                && !self.changed.is_rebound(scope, &reads)
                && self.changed.call_root(scope, &reads).is_none()
        {
            self.renew(item, &reads, &root, &bound);
        } else {
            self.stale_statement(item, &root, &bound);
            self.stale_in_place(item, &reads.calls, &root);
        }
    }

    /// Values of the module that functions which a statement calls have changed in place.
    fn stale_in_place(&mut self, item: &TargetItem<'a>, calls: &[String], root: &str) {
        if !item.scope.namespace.is_empty() {
            return;
        }
        let changed = calls.iter().filter_map(|name| self.mutated.get(name)).flatten();
        let own = changed.filter(|name| self.changed.is_bound(name) && !self.changed.is_known(name));
        for name in own.cloned().collect::<BTreeSet<_>>() {
            self.stale(&item.scope, &name, item.item.range().start(), root);
            self.changed.add_stale(name, root);
        }
    }

    fn renew(&mut self, item: &TargetItem<'a>, reads: &Reads, root: &str, bound: &Bound) {
        // What calls the application's code waits for all of its functions: also for new defaults alone.
        let late = self.changed.is_late(&item.scope, reads) || !item.item.stmts.iter().all(is_pure);
        let (stmts, outer) = item.item.unit().unwrap_or((item.item.stmts, &item.item.outer[..]));
        let mut draft: Draft = execute(self.source, &item.scope, outer, stmts, StepKind::Renewed);
        draft.step.late = late;
        draft.step.replaces = true;
        draft.because = vec![root.to_owned()];
        self.changes.steps.push(draft);
        for name in names(&item.scope, bound) {
            self.changed.add_value(name.clone(), root);
            if late {
                self.changed.add_late(name);
            }
        }
    }

    pub(super) fn stale_statement(&mut self, item: &TargetItem<'a>, root: &str, bound: &Bound) {
        let start = item.item.range().start();
        for name in &bound.names {
            self.stale(&item.scope, name, start, root);
        }
        let line = self.source.line_number(start);
        for place in &bound.places {
            let name = place_name(place);
            self.changes.stale.push(Stale { name, line, because: root.to_owned(), file: None });
        }
        if bound.names.is_empty() && bound.places.is_empty() {
            let name = first_words(self.source.slice(item.item.range()));
            self.changes.stale.push(Stale { name, line, because: root.to_owned(), file: None });
        }
        for name in names(&item.scope, bound) {
            self.changed.add_stale(name, root);
        }
    }

    /// What is late may need the names that a `del` behind it takes away.
    fn delete_late(&mut self, item: &TargetItem<'a>) {
        let late = |draft: &Draft| draft.step.late && draft.step.scope == item.scope.namespace;
        if item.item.stmts.iter().all(Stmt::is_delete_stmt) && self.changes.steps.iter().any(late) {
            self.mark(item);
        }
    }

    /// Marks the steps of a changed item as late where it calls or reads what is.
    fn mark_late(&mut self, item: &TargetItem<'a>, reads: &Reads) -> bool {
        self.changed.is_late(&item.scope, reads) && self.mark(item)
    }

    fn mark(&mut self, item: &TargetItem<'a>) -> bool {
        let stmts = item.item.unit().map_or(item.item.stmts, |(stmts, _)| stmts);
        let line = stmts.first().map_or(0, |stmt| self.source.line_number(stmt.start()));
        let steps = self.changes.steps.iter_mut();
        let mut marked = false;
        for draft in steps.filter(|draft| draft.step.line == line && draft.step.action != Action::Delete) {
            draft.step.late = true;
            marked = true;
        }
        for name in names(&item.scope, &Bound::of(self.source, item.item.stmts)) {
            self.changed.add_late(name);
        }
        marked
    }
}

fn place_name(place: &patchctl_protocol::plan::Place) -> String {
    if place.item {
        format!("{}[{}]", place.object, place.key)
    } else {
        format!("{}.{}", place.object, place.key)
    }
}

/// Dotted names of what a statement binds, attributes of names included.
fn names(scope: &Scope, bound: &Bound) -> Vec<String> {
    let mut names: Vec<String> =
        bound.names.iter().map(|name| key(&scope.namespace, &scope.mangle(name))).collect();
    names.extend(bound.places.iter().filter(|place| !place.item).map(place_name));
    names
}
