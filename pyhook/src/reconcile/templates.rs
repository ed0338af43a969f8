//! Functions that new definitions make, beside those that are there: for values that are not in the code object
//! (defaults, annotations).

use super::executor::Executor;
use super::failures::Failure;
use super::transaction::{Purpose, Transaction};
use super::{codes, holders, refusal};
use crate::interpreter;
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::HashMap;

/// The plain functions that the new definitions make, by index of the change: for values that are not in
/// the code object.
#[derive(Default)]
pub struct Templates<'py> {
    pub functions: HashMap<usize, Bound<'py, PyAny>>,
    /// Of lambdas, all that the statement holds.
    pub lambdas: HashMap<usize, Vec<Bound<'py, PyAny>>>,
}

impl<'py> Templates<'py> {
    /// The function to take values from: of lambdas the one with that code.
    ///
    /// # Errors
    /// What comparing code raises.
    pub fn of(&self, change: usize, code: &Bound<'py, PyAny>) -> PyResult<Option<&Bound<'py, PyAny>>> {
        let Some(lambdas) = self.lambdas.get(&change) else { return Ok(self.functions.get(&change)) };
        for lambda in lambdas {
            if lambda.getattr("__code__")?.eq(code)? {
                return Ok(Some(lambda));
            }
        }
        Ok(None)
    }
}

impl<'py> Executor<'_, 'py, '_> {
    /// Makes the plain function of a changed definition, for its defaults and the like; a function that does
    /// not exist here yet is bound to its name as well.
    pub fn template(
        &mut self,
        py: Python<'py>,
        index: usize,
        transaction: &mut Transaction,
        templates: &mut Templates<'py>,
    ) -> Result<(), Failure> {
        let change = &self.content.functions[index];
        let fail = |refusal| Failure::new(&change.patches, refusal);
        let source = change.source.as_deref().unwrap_or_default();
        let code = self.compile(py, source).map_err(fail)?;
        if codes::own_name(change) == codes::LAMBDA {
            let made = self.lambdas(py, &code, &change.scope).map_err(fail)?;
            templates.lambdas.insert(index, made);
            return Ok(());
        }
        let locals = if change.scope.is_empty() {
            PyDict::new(py)
        } else {
            // A copy: statements of the body read what the name is bound to, which this is not.
            let before = self.locals(&change.scope).map_err(fail)?;
            before.copy().map_err(|error| fail(refusal(py, Reason::Internal, "copying", &error)))?
        };
        self.run(py, &code, &change.scope, &locals).map_err(fail)?;
        let made = locals.get_item(&change.name).ok().flatten();
        let made = made.ok_or_else(|| {
            fail(Refusal::new(Reason::Internal, format!("{} was not made", change.qualname)))
        })?;
        if self.module.absent[index] {
            let label = change.qualname.as_str();
            let purpose = Purpose::kept(&self.module.key, label, &change.patches);
            return self
                .bind(py, purpose, &change.scope, &change.name, Some(made), transaction)
                .map_err(fail);
        }
        if !interpreter::is_function(&made).unwrap_or(false) {
            return Err(fail(Refusal::new(
                Reason::Internal,
                format!("{} is no plain function", change.qualname),
            )));
        }
        templates.functions.insert(index, made);
        Ok(())
    }

    /// The lambdas in what a statement binds, executed beside its scope.
    fn lambdas(
        &mut self,
        py: Python<'py>,
        code: &Bound<'py, PyAny>,
        names: &[String],
    ) -> Result<Vec<Bound<'py, PyAny>>, Refusal> {
        let internal = |error: PyErr| refusal(py, Reason::Internal, "making lambdas", &error);
        let before = if names.is_empty() { PyDict::new(py) } else { self.locals(names)? };
        let locals = before.copy().map_err(internal)?;
        self.run(py, code, names, &locals)?;
        let mut found = Vec::new();
        for (name, value) in locals.iter() {
            let known = before.get_item(&name).map_err(internal)?;
            if !known.is_some_and(|known| known.is(&value)) {
                holders::functions_in(&value, &mut found).map_err(internal)?;
            }
        }
        Ok(found)
    }
}
