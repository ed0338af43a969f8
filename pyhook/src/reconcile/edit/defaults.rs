//! Default values of arguments: they are in the function object, and change with its code.

use super::constants::Objects;
use super::convert;
use patchctl_codeobject::edit::DefaultsChange;
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// A change of the default values of a function.
pub enum Change<'py> {
    /// One more at the end of the positional ones.
    Append(Bound<'py, PyAny>),
    /// An argument that can only be given by name is called otherwise.
    Rename(String, String),
    /// Another value for an argument.
    Set(String, Bound<'py, PyAny>),
}

impl<'py> Change<'py> {
    /// The change that goes with an edit of the code.
    ///
    /// # Errors
    /// What making the value raises.
    pub fn of(
        change: &DefaultsChange,
        objects: &Objects<'py>,
        template: &Bound<'py, PyAny>,
    ) -> PyResult<Self> {
        Ok(match change {
            DefaultsChange::Append(value) => Self::Append(convert::object(value, template, objects)?),
            DefaultsChange::Rename(from, to) => Self::Rename(from.to_string(), to.to_string()),
        })
    }
}

/// The new `__defaults__` and `__kwdefaults__` of a function that has `code` from now on.
///
/// # Errors
/// `edit-mismatch` where an argument does not exist or could have no default.
pub fn changed<'py>(
    function: &Bound<'py, PyAny>,
    code: &Bound<'py, PyAny>,
    changes: &[Change<'py>],
) -> Result<(Bound<'py, PyAny>, Bound<'py, PyAny>), Refusal> {
    let py = function.py();
    let internal = |error: PyErr| super::super::refusal(py, Reason::Internal, "reading defaults", &error);
    let mut values = Values::read(function, code).map_err(internal)?;
    for change in changes {
        match change {
            Change::Append(value) => values.positional.push(value.clone()),
            Change::Rename(from, to) => values.rename(from, to).map_err(internal)?,
            Change::Set(name, value) => values
                .set(name, value)
                .map_err(internal)?
                .map_err(|why| Refusal::new(Reason::EditMismatch, format!("argument `{name}` {why}")))?,
        }
    }
    values.objects(py).map_err(internal)
}

struct Values<'py> {
    positional: Vec<Bound<'py, PyAny>>,
    by_name: Option<Bound<'py, PyDict>>,
    /// Names of the arguments that can be given by position, and of those that can't.
    arguments: Vec<String>,
    keywords: Vec<String>,
}

impl<'py> Values<'py> {
    fn read(function: &Bound<'py, PyAny>, code: &Bound<'py, PyAny>) -> PyResult<Self> {
        let names: Vec<String> = code.getattr("co_varnames")?.extract()?;
        let count: usize = code.getattr("co_argcount")?.extract()?;
        let keywords: usize = code.getattr("co_kwonlyargcount")?.extract()?;
        let positional = function.getattr("__defaults__")?.cast_into::<PyTuple>();
        let by_name = function.getattr("__kwdefaults__")?.cast_into::<PyDict>();
        Ok(Self {
            positional: positional.map(|values| values.iter().collect()).unwrap_or_default(),
            by_name: by_name.ok().map(|values| values.copy()).transpose()?,
            arguments: names.iter().take(count).cloned().collect(),
            keywords: names.iter().skip(count).take(keywords).cloned().collect(),
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> PyResult<()> {
        let Some(by_name) = &self.by_name else { return Ok(()) };
        if let Some(value) = by_name.get_item(from)? {
            by_name.del_item(from)?;
            by_name.set_item(to, value)?;
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &Bound<'py, PyAny>) -> PyResult<Result<(), &'static str>> {
        if self.keywords.iter().any(|other| other == name) {
            let by_name = self.by_name.get_or_insert_with(|| PyDict::new(value.py()));
            by_name.set_item(name, value)?;
            return Ok(Ok(()));
        }
        let Some(index) = self.arguments.iter().position(|other| other == name) else {
            return Ok(Err("does not exist"));
        };
        let without = self.arguments.len().saturating_sub(self.positional.len());
        match index.checked_sub(without) {
            Some(index) => self.positional[index] = value.clone(),
            None if index + 1 == without => self.positional.insert(0, value.clone()),
            None => return Ok(Err("is followed by one without a default")),
        }
        Ok(Ok(()))
    }

    fn objects(self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let none = || py.None().into_bound(py);
        let positional = match self.positional.as_slice() {
            [] => none(),
            values => PyTuple::new(py, values)?.into_any(),
        };
        Ok((positional, self.by_name.map_or_else(none, Bound::into_any)))
    }
}
