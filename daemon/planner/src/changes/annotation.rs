//! Annotations of class and module bodies that change without the values beside them.

use super::scope_pair::ScopePair;
use super::step;
use super::walk::Walker;
use crate::excerpt::Excerpt;
use patchctl_protocol::plan::{Action, Stale, StepKind};
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::Ranged;

impl<'a> Walker<'_, '_, '_, 'a> {
    /// Classes that nobody computed get the new annotation; elsewhere decorators, metaclasses or the module's
    /// own code have read it at import.
    pub fn annotation_only(&mut self, pair: &ScopePair<'_, 'a>, index: usize) {
        let item = &pair.items.new[index];
        let plain = pair
            .class
            .is_some_and(|class| class.new.decorator_list.is_empty() && class.old.decorator_list.is_empty());
        for stmt in item.stmts {
            let Stmt::AnnAssign(assign) = stmt else { continue };
            let Expr::Name(name) = &*assign.target else { continue };
            let line = self.new.line_number(stmt.start());
            if plain && !pair.class.is_some_and(|class| self.is_computed(class.new)) {
                let text = format!("{}: {}", name.id, self.new.slice(assign.annotation.range()));
                let mut excerpt = Excerpt::new(self.new);
                excerpt.keep_text(&item.outer, stmt.start(), &text);
                let mut draft =
                    step::execute(self.new, pair.scope, &item.outer, item.stmts, StepKind::Statement);
                draft.step.action = Action::Annotate;
                draft.step.source = Some(excerpt.text());
                draft.step.binds.clear();
                self.changes.steps.push(draft);
                continue;
            }
            self.changes.stale.push(Stale {
                name: pair.scope.dotted(&name.id),
                line,
                because: Stale::ANNOTATION.to_owned(),
                file: None,
            });
        }
    }
}
