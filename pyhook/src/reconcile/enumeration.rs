//! Enumerations that gain or lose members: their metaclass would not let anybody, so the class is made anew beside
//! the one that is there, and its new members move over.

use super::slot::Slot;
use super::transaction::{Purpose, Transaction};
use super::{refusal, scope};
use patchctl_protocol::plan::Step;
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyType};

/// Members by name, and by value.
const BY_NAME: &str = "_member_map_";
const BY_VALUE: &str = "_value2member_map_";

/// What the metaclass computes from all members, beside those: lists of names and values, masks of flags.
const COMPUTED: [&str; 7] = [
    "_member_names_",
    "_hashable_values_",
    "_unhashable_values_",
    "_unhashable_values_map_",
    "_flag_mask_",
    "_all_bits_",
    "_singles_mask_",
];

/// Whether a class is an enumeration.
pub fn is_one(class: &Bound<'_, PyType>) -> bool {
    scope::attribute(class, BY_NAME).is_some()
}

/// Gives a class the members that it has where it was made anew, and takes the others away.
///
/// # Errors
/// `unsupported-change` where a member has another value: the one that is there can't.
pub fn take_members<'py>(
    step: &Step,
    (class, new): (&Bound<'py, PyType>, &Bound<'py, PyType>),
    module: &str,
    transaction: &mut Transaction,
) -> Result<(), Refusal> {
    let py = class.py();
    let failed = |error: PyErr| refusal(py, Reason::UnsupportedChange, "adding members", &error);
    if let Some(name) = changed(class, new).map_err(failed)? {
        let detail = format!("{} (line {}): the value of a member changed", step.label(&name), step.line);
        return Err(Refusal::new(Reason::UnsupportedChange, detail));
    }
    let mut taking = Taking { class, new, step, module, transaction };
    taking.members().and_then(|()| taking.attributes()).map_err(failed)
}

/// The first name whose member has another value, or is none any more, or was none.
fn changed(class: &Bound<'_, PyType>, new: &Bound<'_, PyType>) -> PyResult<Option<String>> {
    let (old_members, members) = (table(class, BY_NAME)?, table(new, BY_NAME)?);
    for (name, member) in &members {
        let same = match old_members.get_item(&name)? {
            Some(known) => known.getattr("_value_")?.eq(member.getattr("_value_")?)?,
            None => scope::attribute(class, &name.extract::<String>()?).is_none(),
        };
        if !same {
            return Ok(Some(name.extract()?));
        }
    }
    for (name, _) in &old_members {
        let text: String = name.extract()?;
        if !members.contains(&name)? && scope::attribute(new, &text).is_some() {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

struct Taking<'a, 'py> {
    class: &'a Bound<'py, PyType>,
    new: &'a Bound<'py, PyType>,
    step: &'a Step,
    module: &'a str,
    transaction: &'a mut Transaction,
}

impl<'py> Taking<'_, 'py> {
    /// The members themselves: those that are there, and those that move over.
    fn members(&mut self) -> PyResult<()> {
        let py = self.class.py();
        let (old, made) = (table(self.class, BY_NAME)?, table(self.new, BY_NAME)?);
        let by_name = PyDict::new(py);
        for (name, member) in &made {
            let known = match old.get_item(&name)? {
                Some(known) => Some(known),
                None => by_value(self.class, &member)?,
            };
            by_name.set_item(name, known.map_or_else(|| self.moved(member), Ok)?)?;
        }
        let by_value = PyDict::new(py);
        for (value, member) in &table(self.new, BY_VALUE)? {
            let name = member.getattr("_name_")?;
            let own = if name.is_none() { None } else { by_name.get_item(name)? };
            by_value.set_item(value, own.map_or_else(|| self.moved(member), Ok)?)?;
        }
        // Combinations of flags come to be as they are asked for.
        for (value, member) in &table(self.class, BY_VALUE)? {
            if !by_value.contains(&value)? && !old.contains(member.getattr("_name_")?)? {
                by_value.set_item(value, member)?;
            }
        }
        self.attribute_of_each(&old, &by_name)?;
        self.contents(BY_NAME, &by_name)?;
        self.contents(BY_VALUE, &by_value)
    }

    /// A member of the class that was made anew becomes one of the class that is there.
    fn moved(&self, member: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        member.setattr("__class__", self.class)?;
        member.setattr("__objclass__", self.class)?;
        Ok(member)
    }

    /// What stands in the class's namespace for each member that comes or goes.
    fn attribute_of_each(&mut self, old: &Bound<'py, PyDict>, new: &Bound<'py, PyDict>) -> PyResult<()> {
        for (name, _) in new.iter().filter(|(name, _)| !old.contains(name).unwrap_or(true)) {
            let name: String = name.extract()?;
            let value = scope::attribute(self.new, &name);
            self.store(&name, value)?;
        }
        for (name, _) in old.iter().filter(|(name, _)| !new.contains(name).unwrap_or(true)) {
            self.store(&name.extract::<String>()?, None)?;
        }
        Ok(())
    }

    fn store(&mut self, name: &str, value: Option<Bound<'py, PyAny>>) -> PyResult<()> {
        let label = self.step.label(name);
        let purpose = Purpose::kept(self.module, &label, &self.step.patches);
        let slot = Slot::Class(self.class.clone().into_any().unbind(), name.to_owned());
        self.transaction.put(self.class.py(), purpose, slot, value)
    }

    /// Has one of the class's tables hold what another one does; the table stays the same.
    fn contents(&mut self, name: &str, contents: &Bound<'py, PyDict>) -> PyResult<()> {
        let own = table(self.class, name)?.into_any().unbind();
        let purpose = Purpose::kept(self.module, "", &self.step.patches);
        self.transaction.put(contents.py(), purpose, Slot::Contents(own), Some(contents.clone().into_any()))
    }

    /// What the metaclass computes from the members, and what else the body binds.
    fn attributes(&mut self) -> PyResult<()> {
        let py = self.class.py();
        let bound: Vec<&str> = self.step.binds.iter().map(String::as_str).collect();
        let members = table(self.class, BY_NAME)?;
        for name in COMPUTED.iter().copied().chain(bound) {
            let value = scope::attribute(self.new, name);
            if members.contains(name)? || scope::attribute(self.class, name).is_none() && value.is_none() {
                continue;
            }
            let list = scope::attribute(self.class, name).filter(|own| own.is_exact_instance_of::<PyList>());
            match (list, value) {
                (Some(list), Some(value)) => {
                    let purpose = Purpose::kept(self.module, "", &self.step.patches);
                    self.transaction.put(py, purpose, Slot::Contents(list.unbind()), Some(value))?;
                }
                (_, value) => self.store(name, value)?,
            }
        }
        Ok(())
    }
}

fn table<'py>(class: &Bound<'py, PyType>, name: &str) -> PyResult<Bound<'py, PyDict>> {
    Ok(class.getattr(name)?.cast_into::<PyDict>()?)
}

/// The member that is there with the value of another one, which is an alias then.
fn by_value<'py>(
    class: &Bound<'py, PyType>,
    member: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let value = member.getattr("_value_")?;
    if value.hash().is_err() {
        return Ok(None);
    }
    table(class, BY_VALUE)?.get_item(value)
}
