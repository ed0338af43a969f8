//! Attributes that a changed `__init__` gives to new instances: those that were made before have none.

use super::scope::Scope;
use super::walk::Walker;
use patchctl_protocol::plan::Stale;
use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, StmtFunctionDef};
use ruff_text_size::Ranged;

const BECAUSE: &str = "instances made before have none";

impl Walker<'_, '_, '_, '_> {
    /// Names the attributes that only the new text knows.
    pub fn instance_attributes(&mut self, scope: &Scope, def: &StmtFunctionDef) {
        if scope.classes.is_empty() || def.name.as_str() != "__init__" {
            return;
        }
        let Some(first) = def.parameters.iter_non_variadic_params().next() else { return };
        let mut stored = Stored { of: first.parameter.name.as_str(), names: Vec::new() };
        stored.visit_body(&def.body);
        stored.names.sort_unstable();
        stored.names.dedup();
        let line = self.new.line_number(def.start());
        for name in stored.names {
            if !is_word_of(self.old.text, name) {
                self.changes.stale.push(Stale {
                    name: scope.dotted(name),
                    line,
                    because: BECAUSE.to_owned(),
                    file: None,
                });
            }
        }
    }
}

/// Whether a text has a name as a word.
fn is_word_of(text: &str, name: &str) -> bool {
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    text.match_indices(name).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(is_word)
            && !text[at + name.len()..].chars().next().is_some_and(is_word)
    })
}

/// The attributes that a body stores into its first parameter.
struct Stored<'a> {
    of: &'a str,
    names: Vec<&'a str>,
}

impl<'a> Visitor<'a> for Stored<'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Attribute(attribute) = expr
            && attribute.ctx.is_store()
            && matches!(&*attribute.value, Expr::Name(name) if name.id == self.of)
        {
            self.names.push(&attribute.attr);
        }
        walk_expr(self, expr);
    }
}
