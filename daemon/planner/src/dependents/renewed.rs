//! Functions that are made anew in part because of what they read: those whose decorators take changed values, and
//! lambdas whose defaults do.

use super::pure::is_pure_value;
use super::reads::Reads;
use super::seeds::key;
use super::spread::Spread;
use crate::changes::{FunctionPair, LambdaPair, Scope, TargetItem, all_lambdas, execute, lambda_name};
use patchctl_protocol::plan::{Parts, StepKind};
use ruff_python_ast::{Expr, Stmt};

impl<'a> Spread<'_, '_, '_, 'a> {
    /// A function whose decorators read values that change is decorated again. Whether it is, or was before.
    pub(super) fn decorate_again(&mut self, item: &TargetItem<'a>, reads: &Reads) -> bool {
        let scope = &item.scope;
        let (Some(Stmt::FunctionDef(def)), Some(origin)) = (item.item.only(), &item.origin) else {
            return false;
        };
        let Some(Stmt::FunctionDef(old)) = origin.only() else { return false };
        let at = self.changes.functions.iter().position(|pair| std::ptr::eq(pair.new, def));
        if at.is_some_and(|at| self.changes.functions[at].parts.decorators) {
            return true;
        }
        let own = key(&scope.namespace, &scope.mangle(&def.name));
        let Some(root) = self.decorator_root(scope, &def.name, &own, reads) else { return false };
        let waits = self.changed.is_late(scope, reads) || self.changed.is_stale(scope, reads);
        if waits || self.changed.is_rebound(scope, reads) || item.item.unit().is_some() {
            return false;
        }
        match at {
            Some(at) => self.changes.functions[at].parts.decorators = true,
            None => self.changes.functions.push(FunctionPair {
                scope: scope.clone(),
                old,
                old_outer: origin.outer.clone(),
                new: def,
                new_outer: item.item.outer.clone(),
                parts: Parts { decorators: true, ..Parts::default() },
                because: vec![root.clone()],
            }),
        }
        let kind = StepKind::ChangedFunction;
        let mut draft = execute(self.source, scope, &item.item.outer, item.item.stmts, kind);
        draft.step.replaces = true;
        draft.because = vec![root.clone()];
        self.changes.steps.push(draft);
        self.changed.add_value(own.clone(), &root);
        self.decorated.insert(own);
        true
    }

    /// The change that a definition's decorators read; its own name only where that was decorated again before
    /// (`@value.setter`).
    fn decorator_root(&self, scope: &Scope, name: &str, own: &str, reads: &Reads) -> Option<String> {
        let others = |read: &&String| read.split('.').next() != Some(name);
        let names = if self.decorated.contains(own) {
            reads.names.clone()
        } else {
            reads.names.iter().filter(others).cloned().collect()
        };
        self.changed.value_root(scope, &Reads { names, calls: Vec::new() }).cloned()
    }

    /// A statement that reads changed values only for the defaults of the lambdas which it holds: they get new
    /// ones where they are. Whether it is one.
    pub(super) fn lambda_defaults(&mut self, item: &TargetItem<'a>, root: &str, reads: &Reads) -> bool {
        let (Some(new), Some(origin)) = (item.item.only(), &item.origin) else { return false };
        let value = match new {
            Stmt::Assign(assign) => &*assign.value,
            Stmt::AnnAssign(assign) => match assign.value.as_deref() {
                Some(value) => value,
                None => return false,
            },
            _ => return false,
        };
        let beside = Reads::beside_lambdas(value);
        let waits = self.changed.is_late(&item.scope, reads) || self.changed.is_stale(&item.scope, reads);
        if waits || self.changed.value_root(&item.scope, &beside).is_some() || !is_held_display(value) {
            return false;
        }
        let Some(lambdas) = all_lambdas(origin, &item.item) else { return false };
        self.changes.lambdas.push(LambdaPair {
            scope: item.scope.clone(),
            name: lambda_name(new),
            old: origin.clone(),
            new: item.item.clone(),
            lambdas,
            parts: Parts { defaults: true, ..Parts::default() },
            because: vec![root.to_owned()],
        });
        true
    }
}

/// Whether a value may be computed beside the one that is there: lambdas, and displays of such and of immutable
/// values.
fn is_held_display(value: &Expr) -> bool {
    match value {
        Expr::Lambda(lambda) => lambda.parameters.iter().all(|parameters| {
            let defaults = parameters.iter_non_variadic_params().filter_map(|p| p.default.as_deref());
            defaults.into_iter().all(is_pure_value)
        }),
        Expr::Dict(dict) => dict
            .items
            .iter()
            .all(|item| item.key.as_ref().is_none_or(is_pure_value) && is_held_display(&item.value)),
        Expr::List(list) => list.elts.iter().all(is_held_display),
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_held_display),
        Expr::Set(set) => set.elts.iter().all(is_held_display),
        other => is_pure_value(other),
    }
}
