//! Annotations that are computed from changed values: functions get new ones, those of values are told.

use super::changed::Changed;
use super::reads::Reads;
use super::told::stale;
use crate::changes::{Changes, FunctionPair, TargetItem};
use crate::source::Source;
use patchctl_protocol::plan::{Parts, Stale};
use ruff_python_ast::{Stmt, StmtFunctionDef};
use ruff_text_size::Ranged;

/// Whether a module's annotations are texts that nothing computes (`from __future__ import annotations`).
pub(super) fn are_texts(source: &Source<'_>) -> bool {
    source.body().iter().any(|stmt| {
        let Stmt::ImportFrom(import) = stmt else { return false };
        import.module.as_deref() == Some("__future__")
            && import.names.iter().any(|alias| alias.name.as_str() == "annotations")
    })
}

/// What computes annotations, and where it is told.
pub(super) struct Annotations<'s, 't, 'c, 'a> {
    pub source: &'s Source<'t>,
    pub changed: &'s Changed,
    pub changes: &'c mut Changes<'a>,
}

impl<'a> Annotations<'_, '_, '_, 'a> {
    /// Those of one item.
    pub fn of_item(&mut self, item: &TargetItem<'a>) {
        if let Some(Stmt::FunctionDef(def)) = item.item.only() {
            return self.of_function(item, def);
        }
        let assignments = item.item.stmts.iter().filter_map(Stmt::as_ann_assign_stmt);
        for assign in assignments.filter(|_| !item.changed) {
            let reads = Reads::of_expression(&assign.annotation);
            let name = assign.target.as_name_expr();
            if let (Some(name), Some(_)) = (name, self.changed.value_root(&item.scope, &reads)) {
                stale(self.source, self.changes, &item.scope, &name.id, assign.start(), Stale::ANNOTATION);
            }
        }
    }

    fn of_function(&mut self, item: &TargetItem<'a>, def: &'a StmtFunctionDef) {
        let reads = Reads::of_annotations(def);
        let Some(root) = self.changed.value_root(&item.scope, &reads).cloned() else { return };
        if self.changed.is_stale(&item.scope, &reads) || self.changed.is_late(&item.scope, &reads) {
            return stale(self.source, self.changes, &item.scope, &def.name, def.start(), Stale::ANNOTATION);
        }
        let functions = &mut self.changes.functions;
        if let Some(pair) = functions.iter_mut().find(|pair| std::ptr::eq(pair.new, def)) {
            pair.parts.annotations = true;
        } else if let Some(origin) = &item.origin
            && let Some(Stmt::FunctionDef(old)) = origin.only()
        {
            functions.push(FunctionPair {
                scope: item.scope.clone(),
                old,
                old_outer: origin.outer.clone(),
                new: def,
                new_outer: item.item.outer.clone(),
                parts: Parts { annotations: true, ..Parts::default() },
                because: vec![root],
            });
        }
    }
}
