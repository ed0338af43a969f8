//! Annotations of class and module bodies that change without the values beside them.

use super::computed::{bases, last_name};
use super::scope_pair::{ClassPair, ScopePair};
use super::step;
use super::walk::Walker;
use crate::excerpt::Excerpt;
use crate::pair::Origin;
use crate::source::{same_expr, same_optional};
use patchctl_protocol::plan::{Action, Stale, StepKind};
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::Ranged;

/// Bases whose metaclass computes the class, and for which annotations of fields are words for people and type
/// checkers.
const ANNOTATED_BASES: [&str; 2] = ["NamedTuple", "TypedDict"];

impl<'a> Walker<'_, '_, '_, 'a> {
    /// Classes that nobody computed get the new annotation; elsewhere decorators, metaclasses or the module's
    /// own code have read it at import.
    pub fn annotation_only(&mut self, pair: &ScopePair<'_, 'a>, index: usize) {
        let item = &pair.items.new[index];
        let plain = pair
            .class
            .is_some_and(|class| class.new.decorator_list.is_empty() && class.old.decorator_list.is_empty());
        for stmt in item.stmts {
            let Some((Expr::Name(name), ..)) = annotated(stmt) else { continue };
            let line = self.new.line_number(stmt.start());
            if let Stmt::AnnAssign(assign) = stmt
                && plain
                && !pair.class.is_some_and(|class| self.is_computed(class.new))
            {
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

    /// Whether the annotation of an assignment is all that changed, where nobody computes from it: the value
    /// that is there stays, with what the application has put into it since.
    pub fn is_annotation_alone(&self, pair: &ScopePair<'_, 'a>, index: usize) -> bool {
        let Origin::Changed(old) = pair.origins[index] else { return false };
        let (old, new) = (&pair.items.old[old], &pair.items.new[index]);
        let (Some((old_target, old_value, old_type)), Some((new_target, new_value, new_type))) =
            (old.only().and_then(annotated), new.only().and_then(annotated))
        else {
            return false;
        };
        let harmless = |ClassPair { new, .. }: ClassPair<'a>| {
            // There, what has an annotation is a field.
            let plain = || {
                old_type == new_type
                    && bases(new).iter().filter_map(last_name).any(|name| ANNOTATED_BASES.contains(&name))
            };
            new.decorator_list.is_empty() && (plain() || !self.is_computed(new))
        };
        same_expr(old_target, new_target)
            && same_optional(old_value, new_value)
            && (old_type || new_type)
            && pair.class.is_none_or(harmless)
    }
}

/// Target and value of a statement that binds a name, and whether it says its type.
fn annotated(stmt: &Stmt) -> Option<(&Expr, Option<&Expr>, bool)> {
    match stmt {
        Stmt::AnnAssign(assign) => Some((&assign.target, assign.value.as_deref(), true)),
        Stmt::Assign(assign) => match &assign.targets[..] {
            [target @ Expr::Name(_)] => Some((target, Some(&assign.value), false)),
            _ => None,
        },
        _ => None,
    }
}
