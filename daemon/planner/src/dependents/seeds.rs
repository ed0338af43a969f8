//! Where changes start: the names that a plan's own changes bind anew or give other code.

use super::changed::Changed;
use crate::changes::{Changes, Sort, TargetItem, import_changes};
use crate::source::{Bound, Source};
use patchctl_protocol::plan::{Action, Parts};
use ruff_python_ast::Stmt;
use rustc_hash::FxHashSet;

/// The names that the changes themselves bind anew.
pub(super) fn seeds(source: &Source<'_>, changes: &Changes<'_>, items: &[TargetItem<'_>]) -> Changed {
    let mut bound = FxHashSet::default();
    let (mut once, mut again) = (FxHashSet::default(), FxHashSet::default());
    let mut deleted = FxHashSet::default();
    for item in items {
        let binds = Bound::of(source, item.item.stmts);
        let value = Sort::of(item.item.stmts, &binds) == Sort::Value;
        deleted.extend(binds.deleted.iter().map(|name| key(&item.scope.namespace, &item.scope.mangle(name))));
        for name in binds.names {
            let name = key(&item.scope.namespace, &item.scope.mangle(&name));
            if value && !once.insert(name.clone()) {
                again.insert(name.clone());
            }
            bound.insert(name);
        }
    }
    let mut changed = Changed::new(bound, again, deleted);
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

/// A name of a namespace as dotted text.
pub(super) fn key(namespace: &[String], name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{}.{name}", namespace.join(".")) }
}
