//! What follows for a class from the names that its namespace gets and loses, beside those: abstract methods, the
//! members of protocols, whether it can be hashed.

use super::executor::Executor;
use super::slot::Slot;
use super::transaction::{Purpose, Transaction};
use super::{abstracts, protocols, refusal, scope};
use patchctl_protocol::plan::Step;
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;

/// What a class loses when it says what it equals (`type_new` in CPython's `Objects/typeobject.c`).
const HASH: &str = "__hash__";

impl<'py> Executor<'_, 'py, '_> {
    /// A class that gets an `__eq__` and has no `__hash__` can't be hashed, as `type` makes it.
    pub(super) fn forget_hash(
        &self,
        py: Python<'py>,
        step: &Step,
        purpose: Purpose<'_>,
        transaction: &mut Transaction,
    ) -> Result<(), Refusal> {
        let class = scope::class(&self.module.namespace, &step.scope)?;
        let equal = step.binds.iter().any(|name| name == "__eq__");
        if !equal || scope::attribute(&class, HASH).is_some() {
            return Ok(());
        }
        let slot = Slot::Class(class.into_any().unbind(), HASH.to_owned());
        let none = Some(py.None().into_bound(py));
        transaction
            .put(py, purpose, slot, none)
            .map_err(|error| refusal(py, Reason::Internal, "forgetting __hash__", &error))
    }

    /// Classes whose namespaces changed may have more or fewer abstract methods, and protocols other members.
    pub(super) fn class_members(
        &self,
        py: Python<'py>,
        transaction: &mut Transaction,
    ) -> Result<(), Refusal> {
        let mut scopes: Vec<&Step> =
            self.content.steps.iter().filter(|step| !step.scope.is_empty()).collect();
        scopes.dedup_by(|one, other| one.scope == other.scope);
        for step in scopes {
            let Ok(class) = scope::class(&self.module.namespace, &step.scope) else { continue };
            let purpose = Purpose::kept(&self.module.key, "", &step.patches);
            abstracts::update(py, &class, purpose, transaction)
                .and_then(|()| protocols::update(py, &class, purpose, transaction))
                .map_err(|error| refusal(py, Reason::Internal, "looking for a class's members", &error))?;
        }
        Ok(())
    }
}
