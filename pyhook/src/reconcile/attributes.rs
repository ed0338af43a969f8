//! What is not in a function's code object: its defaults, annotations and docstring.

use super::named::Wrappers;
use super::prepare::Prepared;
use super::slot::Slot;
use super::transaction::{Purpose, Transaction};
use super::{edit, refusal};
use patchctl_protocol::plan::{FunctionChange, Parts};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use std::cell::OnceCell;

/// Those of one function.
pub struct Attributes<'a, 'py, 'p> {
    pub py: Python<'py>,
    pub module: &'a Prepared<'py, 'p>,
    pub function: &'a Bound<'py, PyAny>,
    pub change: &'a FunctionChange,
    /// What stands around the module's functions, once somebody asks.
    pub wrappers: &'a OnceCell<Wrappers<'py>>,
}

impl<'py> Attributes<'_, 'py, '_> {
    /// Default values that edits add or change, on top of those that the function has by now.
    pub fn change_defaults(
        &self,
        changes: &[edit::Change<'py>],
        code: &Bound<'py, PyAny>,
        transaction: &mut Transaction,
    ) -> Result<(), Refusal> {
        let internal = |error: PyErr| refusal(self.py, Reason::Internal, "assigning defaults", &error);
        let (positional, by_name) = edit::changed(self.function, code, changes)?;
        for (name, value) in [("__defaults__", positional), ("__kwdefaults__", by_name)] {
            self.store_attribute(name, value, transaction).map_err(internal)?;
        }
        Ok(())
    }

    /// Takes over what is not in the code object.
    pub fn take_over(&self, template: &Bound<'py, PyAny>, transaction: &mut Transaction) -> PyResult<()> {
        for name in attributes(self.change.parts, template)? {
            let value = template.getattr(name)?;
            match name.starts_with("__annot") {
                true => self.store_copied(name, value, transaction)?,
                false => self.store_attribute(name, value, transaction)?,
            }
        }
        if self.change.parts.docstring {
            self.store_copied("__doc__", template.getattr("__doc__")?, transaction)?;
        }
        Ok(())
    }

    /// The docstring or the annotations, and the copies of them that properties and wrappers have.
    pub fn store_copied(
        &self,
        name: &str,
        value: Bound<'py, PyAny>,
        transaction: &mut Transaction,
    ) -> PyResult<()> {
        let function = self.function;
        let before = function.getattr(name)?;
        let wrappers = self.wrappers.get_or_init(|| Wrappers::of(&self.module.namespace));
        for wrapper in wrappers.around(function) {
            if wrapper.getattr(name).is_ok_and(|copy| copy.is(&before)) {
                let slot = Slot::Attribute(wrapper.clone().unbind(), name.to_owned());
                let purpose = Purpose::kept(&self.module.key, "", &self.change.patches);
                transaction.put(self.py, purpose, slot, Some(value.clone()))?;
            }
        }
        self.store_attribute(name, value, transaction)
    }

    fn store_attribute(
        &self,
        name: &str,
        value: Bound<'py, PyAny>,
        transaction: &mut Transaction,
    ) -> PyResult<()> {
        // A changed code object is reported by itself.
        let label = if self.change.parts.code { "" } else { &self.change.qualname };
        let purpose = Purpose::kept(&self.module.key, label, &self.change.patches);
        let slot = Slot::Attribute(self.function.clone().unbind(), name.to_owned());
        transaction.put(self.py, purpose, slot, Some(value))
    }
}

/// The attributes of a function object that a change of these parts renews.
fn attributes(parts: Parts, template: &Bound<'_, PyAny>) -> PyResult<Vec<&'static str>> {
    let mut names = Vec::new();
    if parts.signature || parts.defaults {
        names.extend(["__defaults__", "__kwdefaults__"]);
    }
    if parts.signature || parts.annotations {
        // From 3.14 on annotations are computed when asked for (PEP 649).
        names.push(if template.hasattr("__annotate__")? { "__annotate__" } else { "__annotations__" });
        names.extend(template.hasattr("__type_params__")?.then_some("__type_params__"));
    }
    Ok(names)
}
