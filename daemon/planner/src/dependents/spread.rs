//! Follows changed values through the statements of a module, in source order.

use super::changed::Changed;
use super::pure::is_pure;
use super::reads::Reads;
use crate::changes::{Changes, Draft, FunctionPair, Scope, TargetItem, execute, first_words, import_changes};
use crate::source::{Bound, Source};
use patchctl_protocol::plan::{Action, Parts, Stale, StepKind, Unsupported};
use ruff_python_ast::{Stmt, StmtClassDef};
use ruff_text_size::{Ranged, TextSize};
use rustc_hash::FxHashSet;

/// Adds to the changes what follows from them. `renew` names stale values to compute anew (`all` for every
/// one).
pub(crate) fn add(source: &Source<'_>, changes: &mut Changes<'_>, renew: &[String]) {
    let mut items = std::mem::take(&mut changes.items);
    items.sort_by_key(|item| item.item.range().start());
    let changed = seeds(source, changes, &items);
    if changed.is_empty() {
        return;
    }
    let mut spread = Spread { source, changes, renew, changed };
    spread.callables(&items);
    for item in &items {
        spread.item(item);
    }
}

/// The names that the changes themselves bind anew.
fn seeds(source: &Source<'_>, changes: &Changes<'_>, items: &[TargetItem<'_>]) -> Changed {
    let mut class_names = FxHashSet::default();
    for item in items.iter().filter(|item| !item.scope.namespace.is_empty()) {
        for name in Bound::of(source, item.item.stmts).names {
            class_names.insert(key(&item.scope.namespace, &item.scope.mangle(&name)));
        }
    }
    let mut changed = Changed::new(class_names);
    for item in items.iter().filter(|item| item.changed) {
        let definition = matches!(item.item.only(), Some(Stmt::FunctionDef(_) | Stmt::ClassDef(_)));
        if definition && item.origin.is_some() {
            continue;
        }
        for name in import_changes(source, item) {
            let name = key(&item.scope.namespace, &item.scope.mangle(&name));
            changed.add_value(name.clone(), &name);
        }
        for place in Bound::of(source, item.item.stmts).places.iter().filter(|place| !place.item) {
            let name = format!("{}.{}", place.object, place.key);
            changed.add_value(name.clone(), &name);
        }
    }
    for draft in &changes.steps {
        if draft.step.action == Action::Regenerate {
            for name in &draft.step.binds {
                let name = key(&draft.step.scope, name);
                changed.add_value(name.clone(), &name);
            }
            let class = draft.step.scope.join(".");
            changed.add_callable(class.clone(), &class);
        }
    }
    for pair in changes.functions.iter().filter(|pair| behaves_differently(pair.parts)) {
        let name = key(&pair.scope.namespace, &pair.scope.mangle(&pair.new.name));
        changed.add_callable(name.clone(), &name);
        changed.add_recoded(name.clone());
        if pair.parts.decorators {
            changed.add_value(name.clone(), &name);
        }
    }
    changed
}

fn behaves_differently(parts: Parts) -> bool {
    parts.code || parts.defaults || parts.kind || parts.decorators
}

fn key(namespace: &[String], name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{}.{name}", namespace.join(".")) }
}

struct Spread<'s, 't, 'c, 'a> {
    source: &'s Source<'t>,
    changes: &'c mut Changes<'a>,
    renew: &'s [String],
    changed: Changed,
}

impl<'a> Spread<'_, '_, '_, 'a> {
    /// Functions that read changed values or call changed functions behave differently too; so do the
    /// classes whose constructors do.
    fn callables(&mut self, items: &[TargetItem<'a>]) {
        let functions: Vec<(&Scope, String, Reads)> = items
            .iter()
            .filter_map(|item| match item.item.only() {
                Some(Stmt::FunctionDef(def)) => {
                    let name = key(&item.scope.namespace, &item.scope.mangle(&def.name));
                    let mut reads = Reads::of_body(def);
                    reads.names.extend(self.default_names(&item.scope, def));
                    Some((&item.scope, name, reads))
                }
                _ => None,
            })
            .collect();
        let classes: Vec<(&Scope, &StmtClassDef)> = items
            .iter()
            .filter_map(|item| Some((&item.scope, item.item.only()?.as_class_def_stmt()?)))
            .collect();
        loop {
            let mut grown = false;
            for (scope, name, reads) in &functions {
                if self.changed.callable(name).is_none()
                    && let Some(root) = self.changed.body_root(scope, reads).cloned()
                {
                    grown |= self.changed.add_callable(name.clone(), &root);
                }
                if !self.changed.is_recoded(name) && self.changed.body_recoded(scope, reads) {
                    grown |= self.changed.add_recoded(name.clone());
                }
            }
            for (scope, class) in &classes {
                grown |= self.constructor(scope, class, &functions);
            }
            if !grown {
                return;
            }
        }
    }

    /// Defaults as a function's body would read them: what they stand for in the class is named through it.
    fn default_names(&self, scope: &Scope, def: &ruff_python_ast::StmtFunctionDef) -> Vec<String> {
        let reads = Reads::of_defaults(&def.parameters);
        self.changed.value_root(scope, &reads).cloned().into_iter().collect()
    }

    fn constructor(
        &mut self,
        scope: &Scope,
        class: &StmtClassDef,
        functions: &[(&Scope, String, Reads)],
    ) -> bool {
        let name = key(&scope.namespace, &scope.mangle(&class.name));
        if self.changed.callable(&name).is_some() {
            return false;
        }
        let makers = ["__init__", "__new__", "__post_init__"].map(|maker| format!("{name}.{maker}"));
        let own = makers.iter().find_map(|maker| self.changed.callable(maker)).cloned();
        let has_own = functions.iter().any(|(_, function, _)| makers.contains(function));
        let inherited = || {
            let bases = class.arguments.iter().flat_map(|arguments| arguments.args.iter());
            let mut names = bases.filter_map(super::reads::dotted);
            names.find_map(|base| self.changed.callable(&base)).cloned()
        };
        let root = own.or_else(|| if has_own { None } else { inherited() });
        let recoded = makers.iter().any(|maker| self.changed.is_recoded(maker));
        if recoded {
            self.changed.add_recoded(name.clone());
        }
        root.is_some_and(|root| self.changed.add_callable(name, &root))
    }

    fn item(&mut self, item: &TargetItem<'a>) {
        match item.item.only() {
            Some(Stmt::FunctionDef(def)) => {
                self.defaults(item, def);
                self.definition(item);
            }
            Some(Stmt::ClassDef(_)) => self.definition(item),
            _ => self.statement(item),
        }
    }

    /// A function whose defaults are computed from changed values gets new ones.
    fn defaults(&mut self, item: &TargetItem<'a>, def: &'a ruff_python_ast::StmtFunctionDef) {
        let reads = Reads::of_defaults(&def.parameters);
        let Some(root) = self.changed.value_root(&item.scope, &reads).cloned() else { return };
        let late = self.changed.is_late(&item.scope, &reads);
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
        for name in Bound::of(self.source, item.item.stmts).names {
            self.stale(scope, &name, stmt.start(), &root);
        }
    }

    fn stale(&mut self, scope: &Scope, name: &str, start: TextSize, root: &str) {
        let line = self.source.line_number(start);
        let name = scope.dotted(name);
        self.changes.stale.push(Stale { name, line, because: root.to_owned() });
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
            return;
        }
        let scope = &item.scope;
        let root = self.changed.value_root(scope, &reads).or_else(|| self.changed.call_root(scope, &reads));
        let Some(root) = root.cloned() else { return };
        let bound = Bound::of(self.source, item.item.stmts);
        let named: Vec<String> = bound.names.iter().map(|name| scope.dotted(name)).collect();
        let places: Vec<String> = bound.places.iter().map(place_name).collect();
        let binds = !named.is_empty() || !places.is_empty();
        let wanted = named.iter().chain(&places).any(|name| self.renew.contains(name))
            || binds && self.renew.iter().any(|name| name == "all");
        let pure = item.item.stmts.iter().all(is_pure) && item.item.unit().is_none();
        if wanted
            || pure
                && !self.changed.is_stale(scope, &reads)
                && self.changed.call_root(scope, &reads).is_none()
        {
            self.renew(item, &reads, &root, &bound);
        } else {
            self.stale_statement(item, &root, &bound);
        }
    }

    fn renew(&mut self, item: &TargetItem<'a>, reads: &Reads, root: &str, bound: &Bound) {
        let late = self.changed.is_late(&item.scope, reads);
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

    fn stale_statement(&mut self, item: &TargetItem<'a>, root: &str, bound: &Bound) {
        let start = item.item.range().start();
        for name in &bound.names {
            self.stale(&item.scope, name, start, root);
        }
        let line = self.source.line_number(start);
        for place in &bound.places {
            let name = place_name(place);
            self.changes.stale.push(Stale { name, line, because: root.to_owned() });
        }
        if bound.names.is_empty() && bound.places.is_empty() {
            let name = first_words(self.source.slice(item.item.range()));
            self.changes.stale.push(Stale { name, line, because: root.to_owned() });
        }
        for name in names(&item.scope, bound) {
            self.changed.add_stale(name, root);
        }
    }

    /// Marks the steps of a changed item as late where it calls or reads what is.
    fn mark_late(&mut self, item: &TargetItem<'a>, reads: &Reads) -> bool {
        if !self.changed.is_late(&item.scope, reads) {
            return false;
        }
        let stmts = item.item.unit().map_or(item.item.stmts, |(stmts, _)| stmts);
        let line = stmts.first().map_or(0, |stmt| self.source.line_number(stmt.start()));
        let steps = self.changes.steps.iter_mut();
        let mut marked = false;
        for draft in steps.filter(|draft| draft.step.line == line && draft.step.action == Action::Execute) {
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
