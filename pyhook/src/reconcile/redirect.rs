//! Functions whose name is bound to something else by now: whoever holds the one that was there before (a
//! registry, a name of another namespace, a bound method) is led to what took its place.

use super::executor::{Executor, Replaced};
use super::prepare::Prepared;
use super::record::CodeRecord;
use super::slot::Slot;
use super::transaction::{Purpose, Transaction};
use super::{codes, edit, refusal, trampoline, unwrap};
use crate::interpreter;
use patchctl_protocol::plan::{Step, StepKind};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::PyDict;

impl<'py, 'p> Executor<'_, 'py, 'p> {
    /// Notes what a step bound in the place of a function that a definition of this module made.
    pub(super) fn note_replaced(
        &mut self,
        step: &'p Step,
        name: &str,
        (before, after): (&Bound<'py, PyAny>, &Bound<'py, PyAny>),
    ) -> PyResult<()> {
        let plain = interpreter::is_function(after)?;
        if step.kind == StepKind::ChangedImport
            || before.is(after)
            || !interpreter::is_function(before)?
            || !(plain || step.scope.is_empty() && after.is_callable())
            || codes::kind(&before.getattr("__code__")?)? != 0
            || unwrap::holds(after, before)?
        {
            return Ok(());
        }
        let qualname = step.label(name);
        let Some(defined) = unwrap::function(before, &qualname)? else { return Ok(()) };
        let own = defined.getattr("__globals__")?.is(&self.module.namespace);
        if own && unwrap::is_named(&defined, &qualname)? {
            let (function, by) = (before.clone(), after.clone());
            self.replaced.push(Replaced { function, by, patches: &step.patches });
        }
        Ok(())
    }

    /// Leads the holders of all that was noted to what took its place, after all functions have their new code.
    pub(super) fn redirect(
        &mut self,
        py: Python<'py>,
        transaction: &mut Transaction,
    ) -> Result<Vec<CodeRecord>, Refusal> {
        let mut records = Vec::new();
        for replaced in std::mem::take(&mut self.replaced) {
            if let Some(record) = redirect(py, self.module, &replaced, transaction)? {
                records.push(record);
            }
        }
        Ok(records)
    }
}

fn redirect<'py>(
    py: Python<'py>,
    module: &Prepared<'py, '_>,
    replaced: &Replaced<'py, '_>,
    transaction: &mut Transaction,
) -> Result<Option<CodeRecord>, Refusal> {
    let internal = |error: PyErr| refusal(py, Reason::Internal, "redirecting", &error);
    let Replaced { function, by, patches } = replaced;
    let candidate = module.candidates.iter().find(|candidate| candidate.holder.function.is(function));
    let now = function.getattr("__code__").map_err(internal)?;
    // Where the name was bound before the functions got their code, that code leads there already.
    if candidate.is_some_and(|candidate| module.leads_on(candidate) && !now.is(&candidate.base)) {
        return Ok(None);
    }
    let base = match candidate {
        Some(candidate) => candidate.base.clone(),
        None => now,
    };
    let shape = open_to_all(py, &base).map_err(internal)?;
    let code = trampoline::code_calling(py, &base, &shape, by).map_err(internal)?;
    edit::verify(&code)?;
    let slot = Slot::Attribute(function.clone().unbind(), "__code__".to_owned());
    let purpose = match candidate {
        Some(_) => Purpose::passing(),
        None => Purpose::kept(&module.key, "", patches),
    };
    transaction.put(py, purpose, slot, Some(code.clone())).map_err(internal)?;
    Ok(candidate.map(|_| CodeRecord {
        qualname: String::new(),
        original: Some(base.unbind()),
        current: code.unbind(),
        outermost: false,
        optional: true,
        patches: patches.to_vec(),
    }))
}

/// Code with the name and the place of another that takes all arguments there may be.
fn open_to_all<'py>(py: Python<'py>, like: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let text = "def function(*args, **kwargs): pass";
    let module = interpreter::compile(py, text, "<patched>")?;
    let found = codes::within(&module)?.into_iter().next();
    let code = found.ok_or_else(|| pyo3::exceptions::PyRuntimeError::new_err("no code was made"))?;
    let changes = PyDict::new(py);
    for name in ["co_name", "co_filename", "co_firstlineno", "co_qualname"] {
        if let Ok(value) = like.getattr(name) {
            changes.set_item(name, value)?;
        }
    }
    code.call_method("replace", (), Some(&changes))
}
