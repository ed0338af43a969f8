//! What a walk through the scopes of a module finds: changed functions, steps, and every item of the target.

use super::lambda::LambdaPair;
use super::scope::Scope;
use super::step::Draft;
use crate::source::{Enclosing, Item};
use patchctl_protocol::plan::{Affected, Parts, Stale, Unsupported};
use ruff_python_ast::StmtFunctionDef;

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
