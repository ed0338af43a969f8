//! Walks the scopes of a module (its body and its class bodies) in two texts and collects what changed.

use super::import;
use super::lambda::{self, LambdaPair};
use super::step::{self, Draft, Sort, has_no_effect};
use crate::excerpt::Excerpt;
use crate::pair::{Origin, ScopeItems, items, origins};
use crate::parts::parts;
use crate::source::{Bound, Enclosing, Item, Source, mangle, same_decorators};
use patchctl_protocol::plan::{Parts, Stale, StepKind, Unsupported};
use ruff_python_ast::{Expr, Stmt, StmtClassDef, StmtFunctionDef};
use ruff_text_size::Ranged;
use std::collections::BTreeSet;

/// Names of the classes around an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    /// As they stand in their namespaces (mangled).
    pub namespace: Vec<String>,
    /// As they stand in the source.
    pub classes: Vec<String>,
}

impl Scope {
    /// A name of this scope as it stands in its namespace.
    pub fn mangle(&self, name: &str) -> String {
        mangle(self.classes.last().map(String::as_str), name)
    }

    /// The dotted name of one of this scope's names, as it stands in the source.
    pub fn dotted(&self, name: &str) -> String {
        if self.classes.is_empty() { name.to_owned() } else { format!("{}.{name}", self.classes.join(".")) }
    }

    pub fn inner(&self, class: &str) -> Self {
        let mut inner = self.clone();
        inner.namespace.push(self.mangle(class));
        inner.classes.push(class.to_owned());
        inner
    }
}

/// A function that stands in both texts.
pub(crate) struct FunctionPair<'a> {
    pub scope: Scope,
    pub old: &'a StmtFunctionDef,
    pub old_outer: Vec<Enclosing<'a>>,
    pub new: &'a StmtFunctionDef,
    pub new_outer: Vec<Enclosing<'a>>,
    pub parts: Parts,
    /// Names (dotted) whose change it follows from; empty where it changed itself.
    pub because: Vec<String>,
}

/// A function definition and where it stands.
pub(crate) struct Definition<'a> {
    pub scope: Scope,
    pub def: &'a StmtFunctionDef,
    pub outer: Vec<Enclosing<'a>>,
}

/// An item of the target text and whether it changed.
pub(crate) struct TargetItem<'a> {
    pub scope: Scope,
    pub item: Item<'a>,
    pub origin: Option<Item<'a>>,
    pub changed: bool,
}

/// All that changed.
#[derive(Default)]
pub(crate) struct Changes<'a> {
    pub functions: Vec<FunctionPair<'a>>,
    pub lambdas: Vec<LambdaPair<'a>>,
    pub steps: Vec<Draft>,
    pub deletions: Vec<Draft>,
    pub unsupported: Vec<Unsupported>,
    pub stale: Vec<Stale>,
    /// Every function of the old and of the new text, inner ones of functions aside.
    pub old_functions: Vec<Definition<'a>>,
    pub new_functions: Vec<Definition<'a>>,
    /// Every item of the target text, of all scopes.
    pub items: Vec<TargetItem<'a>>,
    /// Something changed that grafting functions does not bring in.
    pub beyond_functions: bool,
}

/// Finds what changed between two texts.
pub(crate) fn find<'a>(old: &'a Source<'_>, new: &'a Source<'_>) -> Changes<'a> {
    let mut walker = Walker { old, new, changes: Changes::default() };
    walker.scope(&Scope::default(), None, (old.body(), &[]), (new.body(), &[]));
    walker.changes
}

pub(super) struct Walker<'s, 't, 'u, 'a> {
    pub old: &'s Source<'t>,
    pub new: &'s Source<'u>,
    pub changes: Changes<'a>,
}

/// Statements of a block and what stands around it.
pub(super) type Body<'a, 'o> = (&'a [Stmt], &'o [Enclosing<'a>]);

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
        pair.execute_augmented();
        self.executions(&pair);
        self.removed(&pair);
        self.list(pair);
    }

    /// Looks at one item of the target.
    fn item(&mut self, pair: &mut ScopePair<'_, 'a>, index: usize) {
        let (origin, item) = (pair.origins[index], pair.items.new[index].clone());
        let old = match origin {
            Origin::Same(old) | Origin::Changed(old) => Some(pair.items.old[old].clone()),
            Origin::New => None,
        };
        match (old.as_ref().and_then(Item::only), item.only()) {
            (Some(Stmt::FunctionDef(before)), Some(Stmt::FunctionDef(after))) if origin_changed(origin) => {
                let parts = self.function(pair.scope, (before, &old), (after, &item));
                if parts.decorators || parts.kind {
                    pair.execute.insert(index);
                }
            }
            (Some(Stmt::ClassDef(before)), Some(Stmt::ClassDef(after))) => {
                let classes = ClassPair { old: before, new: after };
                self.class(pair.scope, classes, old.as_ref().map_or(&[], |old| &old.outer), &item.outer);
            }
            _ if origin_changed(origin) && self.lambdas(pair.scope, old.as_ref(), &item) => {}
            _ if origin == Origin::New || origin_changed(origin) => {
                self.statement(pair, index);
            }
            _ => {}
        }
    }

    fn function(
        &mut self,
        scope: &Scope,
        old: (&'a StmtFunctionDef, &Option<Item<'a>>),
        new: (&'a StmtFunctionDef, &Item<'a>),
    ) -> Parts {
        let parts = parts(old.0, new.0);
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
        let name = new.only().and_then(lambda::bound_name).unwrap_or_default();
        let (scope, old, new) = (scope.clone(), old.clone(), new.clone());
        self.changes.lambdas.push(LambdaPair { scope, name, old, new, lambdas });
        true
    }

    /// A new or changed statement, or a new definition.
    fn statement(&mut self, pair: &mut ScopePair<'_, 'a>, index: usize) {
        let item = &pair.items.new[index];
        self.changes.beyond_functions = true;
        if item.stmts.iter().all(has_no_effect) {
            self.annotation_only(pair.scope, item);
        } else if pair.loses_imports(index) {
            // What it lost is deleted; what it kept is bound already.
        } else if pair.new_bound[index].star {
            let line = self.new.line_number(item.range().start());
            let detail = "a star import binds names that can't be told from the source";
            self.unsupported(pair.scope.dotted("*"), line, detail);
        } else {
            pair.execute.insert(index);
        }
    }

    pub fn unsupported(&mut self, name: String, line: u32, detail: &str) {
        self.changes.beyond_functions = true;
        let detail = detail.to_owned();
        self.changes.unsupported.push(Unsupported { name, line, detail, patches: Vec::new() });
    }

    /// Annotations without value are read by decorators and metaclasses alone, at import.
    fn annotation_only(&mut self, scope: &Scope, item: &Item<'_>) {
        for stmt in item.stmts {
            let Stmt::AnnAssign(assign) = stmt else { continue };
            let Expr::Name(name) = &*assign.target else { continue };
            self.changes.stale.push(Stale {
                name: scope.dotted(&name.id),
                line: self.new.line_number(stmt.start()),
                because: "its annotation".to_owned(),
            });
        }
    }

    /// Makes steps of the items to execute.
    fn executions(&mut self, pair: &ScopePair<'_, 'a>) {
        if pair.class.is_some() && self.special_class(pair) {
            return;
        }
        let mut units = BTreeSet::new();
        for &index in &pair.execute {
            let item = &pair.items.new[index];
            let unit = item.unit();
            let (stmts, outer) = unit.unwrap_or((item.stmts, &item.outer[..]));
            let start = stmts.first().map(Ranged::start);
            if unit.is_some() && !units.insert(start) {
                continue;
            }
            let bound = &pair.new_bound[index];
            let replaces = bound.names.iter().any(|name| pair.bound_before(name));
            let sort = Sort::of(item.stmts, bound);
            let places = !bound.places.is_empty() && origin_changed(pair.origins[index]);
            let changed = replaces || places;
            let kind = if changed { sort.changed() } else { sort.added(pair.class.is_some()) };
            let mut draft = step::execute(self.new, pair.scope, outer, stmts, kind);
            draft.step.replaces = changed;
            let in_branch = matches!(item.outer.last(), Some(Enclosing::Branch { .. }));
            if let (Origin::Changed(old), false) = (pair.origins[index], in_branch) {
                self.reduce_import(pair, old, item, &mut draft);
            }
            self.changes.steps.push(draft);
        }
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

    /// Deletes names that are bound no more, and names removed statements without a name.
    fn removed(&mut self, pair: &ScopePair<'_, 'a>) {
        let kept: BTreeSet<usize> = pair.origins.iter().filter_map(origin_index).collect();
        for (index, item) in pair.items.old.iter().enumerate().filter(|(i, _)| !kept.contains(i)) {
            self.changes.beyond_functions = true;
            let bound = &pair.old_bound[index];
            let sort = Sort::of(item.stmts, bound);
            let line = self.old.line_number(item.range().start());
            let gone: Vec<String> =
                bound.names.iter().filter(|n| !pair.bound_after(n)).map(|n| pair.scope.mangle(n)).collect();
            if !gone.is_empty() {
                self.changes.deletions.push(step::delete(pair.scope, gone, sort.removed(), line));
            }
            if sort == Sort::Other && !item.stmts.iter().all(has_no_effect) || !bound.places.is_empty() {
                let words = first_words(self.old.slice(item.range()));
                let line = 0;
                self.changes.stale.push(Stale { name: words, line, because: "its removal".to_owned() });
            }
        }
        self.changed_away(pair);
        self.lost_definitions(pair, &kept);
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
        let mut excerpt = Excerpt::new(self.new);
        excerpt.keep_text(&outer, first.start(), &format!("__doc__ = {value}"));
        draft.step.source = Some(excerpt.text());
        draft.step.places.clear();
        draft.step.binds = vec!["__doc__".to_owned()];
        draft.step.replaces = true;
        self.changes.steps.push(draft);
    }

    /// Remembers the items of the target.
    fn list(&mut self, pair: ScopePair<'_, 'a>) {
        let ScopePair { scope, items, origins, execute, .. } = pair;
        for (index, item) in items.new.into_iter().enumerate() {
            let changed = execute.contains(&index) || !matches!(origins[index], Origin::Same(_));
            let origin = origin_index(&origins[index]).map(|old| items.old[old].clone());
            self.changes.items.push(TargetItem { scope: scope.clone(), item, origin, changed });
        }
    }
}

impl<'a> ScopePair<'_, 'a> {
    pub fn bound_before(&self, name: &str) -> bool {
        self.old_bound.iter().any(|bound| bound.names.iter().any(|known| known == name))
    }

    /// Whether an item is an import statement that only lost names.
    fn loses_imports(&self, index: usize) -> bool {
        let Origin::Changed(old) = self.origins[index] else { return false };
        import::only_loses(self.items.old[old].stmts, self.items.new[index].stmts)
    }

    fn bound_after(&self, name: &str) -> bool {
        self.new_bound.iter().any(|bound| bound.names.iter().any(|known| known == name))
    }

    /// A statement that stood in a block and stands alone now may not have been executed.
    fn execute_unconditional(&mut self) {
        for (index, origin) in self.origins.iter().enumerate() {
            let Origin::Same(old) = *origin else { continue };
            if self.items.old[old].opened {
                self.execute.insert(index);
            }
        }
    }

    /// Where the last statement that binds a name is the same as one that was not the last before, its
    /// value comes back: it is executed.
    fn execute_last_binders(&mut self) {
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

    /// An augmented assignment needs the value before it, so the whole chain of a name is executed.
    fn execute_augmented(&mut self) {
        let names: BTreeSet<String> =
            self.new_bound.iter().chain(&self.old_bound).flat_map(|bound| bound.augmented.clone()).collect();
        for name in names {
            let binds = |index: &usize| self.new_bound[*index].names.contains(&name);
            let chain: Vec<usize> = (0..self.new_bound.len()).filter(binds).collect();
            let plain = |index: &usize| !self.new_bound[*index].augmented.contains(&name);
            let base = chain.iter().rposition(plain).unwrap_or(0);
            let kept: BTreeSet<usize> = self.origins.iter().filter_map(origin_index).collect();
            let lost = (0..self.old_bound.len())
                .any(|old| !kept.contains(&old) && self.old_bound[old].names.contains(&name));
            let chain = &chain[base.min(chain.len())..];
            if lost || chain.iter().any(|index| self.execute.contains(index)) {
                self.execute.extend(chain);
            }
        }
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

fn definitions<'a>(scope: &Scope, items: &[Item<'a>]) -> Vec<Definition<'a>> {
    let function = |item: &Item<'a>| {
        let Some(Stmt::FunctionDef(def)) = item.only() else { return None };
        Some(Definition { scope: scope.clone(), def, outer: item.outer.clone() })
    };
    items.iter().filter_map(function).collect()
}

fn origin_changed(origin: Origin) -> bool {
    matches!(origin, Origin::Changed(_))
}

fn origin_index(origin: &Origin) -> Option<usize> {
    match origin {
        Origin::Same(old) | Origin::Changed(old) => Some(*old),
        Origin::New => None,
    }
}

fn docstring(body: &[Stmt]) -> Option<&str> {
    let Stmt::Expr(first) = body.first()? else { return None };
    let Expr::StringLiteral(literal) = &*first.value else { return None };
    Some(literal.value.to_str())
}

/// The start of a statement's text, to name it by.
pub(crate) fn first_words(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut words: String = line.chars().take(40).collect();
    if words.len() < text.len() {
        words.push('…');
    }
    words
}
