//! Edits of functions that the plan itself makes: there is nothing to edit before its statements ran, and what
//! an earlier plan's statements made is gone by then.

use super::super::failures::Failure;
use super::super::holders;
use super::super::prepare::Prepared;
use super::super::record::Record;
use super::super::scope;
use super::super::slot::Slot;
use super::super::transaction::{Purpose, Transaction};
use super::apply::{apply_live, patches};
use super::defaults::changed;
use super::import::{by_function, note};
use crate::reconcile::refusal;
use patchctl_protocol::edit::{Edit, Function};
use patchctl_protocol::plan::{Action, Plan};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;

/// Whether a statement of the plan binds the function, or a class around it.
pub fn is_made(plan: &Plan, function: &Function) -> bool {
    let path: Vec<&String> = function.scope.iter().chain([&function.name]).collect();
    let binds = plan.steps.iter().filter(|step| step.action != Action::Delete);
    binds.flat_map(|step| step.binds.iter().map(move |name| step.scope.iter().chain([name]))).any(|bound| {
        let bound: Vec<&String> = bound.collect();
        path.starts_with(&bound)
    })
}

/// The edits of such functions that are still to be made, by function.
pub struct Made<'p>(Vec<(&'p Function, Vec<&'p Edit>)>);

impl<'p> Made<'p> {
    pub fn of(plan: &'p Plan) -> Self {
        Self(by_function(&plan.edits).into_iter().filter(|(function, _)| is_made(plan, function)).collect())
    }

    /// Edits those functions that exist by now. One that existed before is edited with its new code.
    ///
    /// # Errors
    /// Which patch fails, and why.
    pub fn edit(
        &mut self,
        module: &Prepared<'_, '_>,
        transaction: &mut Transaction,
        record: &mut Record,
    ) -> Result<(), Failure> {
        for (function, edits) in std::mem::take(&mut self.0) {
            let bound = scope::lookup(&module.namespace, &function.scope, &function.name);
            match bound.as_ref().and_then(holders::plain_function) {
                Some(found) if module.candidates.iter().any(|known| known.holder.function.is(&found)) => {}
                Some(found) => edit_one(&found, function, &edits, module, transaction, record)?,
                None => self.0.push((function, edits)),
            }
        }
        Ok(())
    }

    /// Called when all statements have run.
    ///
    /// # Errors
    /// That a function did not come to be.
    pub fn finish(self) -> Result<(), Failure> {
        self.0.first().map_or(Ok(()), |(function, edits)| {
            let detail = format!("no function {} in the process", function.qualname);
            Err(Failure::new(&patches(edits), Refusal::new(Reason::TargetNotFound, detail)))
        })
    }
}

fn edit_one(
    found: &Bound<'_, PyAny>,
    function: &Function,
    edits: &[&Edit],
    module: &Prepared<'_, '_>,
    transaction: &mut Transaction,
    record: &mut Record,
) -> Result<(), Failure> {
    let (py, patches) = (found.py(), patches(edits));
    let internal = |error: PyErr| Failure::new(&patches, refusal(py, Reason::Internal, "editing", &error));
    let code = found.getattr("__code__").map_err(internal)?;
    let edited = apply_live(&code, edits, &module.namespace)?;
    let mut values = vec![("__code__", edited.code.clone())];
    if !edited.defaults.is_empty() {
        let (positional, by_name) = changed(found, &edited.code, &edited.defaults)
            .map_err(|refusal| Failure::new(&patches, refusal))?;
        values.extend([("__defaults__", positional), ("__kwdefaults__", by_name)]);
    }
    for (name, value) in values {
        let slot = Slot::Attribute(found.clone().unbind(), name.to_owned());
        transaction.put(py, Purpose::passing(), slot, Some(value)).map_err(internal)?;
    }
    note(&code, &edited.code, function, &patches, record).map_err(internal)
}
