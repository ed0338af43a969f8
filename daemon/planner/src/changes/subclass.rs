//! Classes below those that are made anew: what decorators (`dataclass`) computed from their bases is computed
//! again.

use super::class_decorator;
use super::found::TargetItem;
use super::scope::Scope;
use super::step;
use super::walk::Walker;
use crate::dependents::dotted;
use patchctl_protocol::plan::{Action, Stale, StepKind};
use ruff_python_ast::{Stmt, StmtClassDef};
use ruff_text_size::Ranged;
use std::collections::BTreeSet;

impl<'a> Walker<'_, '_, '_, 'a> {
    /// Has the decorated classes below the ones that are made anew made anew, too; in source order, bases first.
    pub fn subclasses(&mut self) {
        let anew = self.changes.steps.iter().filter(|draft| draft.step.action == Action::Regenerate);
        let mut changed: BTreeSet<Vec<String>> = anew.map(|draft| draft.step.scope.clone()).collect();
        if changed.is_empty() {
            return;
        }
        let mut items = std::mem::take(&mut self.changes.items);
        items.sort_by_key(|item| item.item.range().start());
        for item in items.iter().filter(|item| item.origin.is_some()) {
            let Some(stmt @ Stmt::ClassDef(class)) = item.item.only() else { continue };
            let inner = item.scope.inner(&class.name);
            let Some(base) = bases(&item.scope, class).find(|base| changed.contains(base)) else { continue };
            let computed = !class.decorator_list.is_empty() || self.may_make_anew(class);
            if changed.insert(inner.namespace.clone()) && computed {
                self.below(item, (stmt, class), &inner, &base.join("."));
            }
        }
        self.changes.items = items;
    }

    fn below(
        &mut self,
        item: &TargetItem<'a>,
        (stmt, class): (&'a Stmt, &'a StmtClassDef),
        scope: &Scope,
        because: &str,
    ) {
        if !class_decorator::may_run_again(self.new, class) {
            let line = self.new.line_number(class.name.start());
            let (name, because) = (scope.classes.join("."), because.to_owned());
            self.changes.stale.push(Stale { name, line, because, file: None });
            return;
        }
        let stmts = std::slice::from_ref(stmt);
        let mut draft = step::execute(self.new, scope, &item.item.outer, stmts, StepKind::Renewed);
        draft.step.action = Action::Regenerate;
        draft.step.binds = Vec::new();
        draft.step.places = Vec::new();
        draft.step.replaces = true;
        draft.because = vec![because.to_owned()];
        self.changes.steps.push(draft);
    }
}

/// Where the bases of a class may stand: beside it, or as their dotted names say.
fn bases(scope: &Scope, class: &StmtClassDef) -> impl Iterator<Item = Vec<String>> {
    let named = class.arguments.iter().flat_map(|arguments| arguments.args.iter()).filter_map(dotted);
    let places = named.flat_map(|name| {
        let path: Vec<String> = name.split('.').map(str::to_owned).collect();
        [[&scope.namespace[..], &path[..]].concat(), path]
    });
    places.collect::<Vec<_>>().into_iter()
}
