//! What a walk through the scopes of a module finds: changed functions, steps, and every item of the target.

use super::lambda::LambdaPair;
use super::step::Draft;
use crate::source::{Enclosing, Item, mangle};
use patchctl_protocol::plan::{Affected, Parts, Stale, Unsupported};
use ruff_python_ast::StmtFunctionDef;

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
    /// Their patches are not known yet.
    pub affected: Vec<Affected>,
    /// Every function of the old and of the new text, inner ones of functions aside.
    pub old_functions: Vec<Definition<'a>>,
    pub new_functions: Vec<Definition<'a>>,
    /// Every item of the target text, of all scopes.
    pub items: Vec<TargetItem<'a>>,
    /// Something changed that grafting functions does not bring in.
    pub beyond_functions: bool,
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
