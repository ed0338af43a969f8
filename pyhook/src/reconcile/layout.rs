//! `__slots__` of a class that is there: the layout of its instances stays, and so does what they can hold.

use super::executor::Executor;
use super::{refusal, scope};
use patchctl_protocol::plan::{Stale, Step};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

/// The name whose value the layout was made from.
pub const SLOTS: &str = "__slots__";

impl<'py> Executor<'_, 'py, '_> {
    /// Refuses new slots that instances have no place for; others are told, since the layout stays.
    pub(super) fn check_slots(
        &mut self,
        py: Python<'py>,
        step: &Step,
        slots: Option<&Bound<'py, PyAny>>,
    ) -> Result<(), Refusal> {
        let class = scope::class(&self.module.namespace, &step.scope)?;
        let missing = slots.map(|slots| missing(&class, slots)).transpose();
        let missing = missing.map_err(|error| refusal(py, Reason::Raised, "reading __slots__", &error))?;
        let label = step.label(SLOTS);
        if let Some(name) = missing.flatten() {
            let detail = format!(
                "{label} (line {}): the layout of instances changed: those that are there can't hold {name}",
                step.line
            );
            return Err(Refusal::new(Reason::UnsupportedChange, detail));
        }
        let file = self.module.namespace.get_item("__file__").ok().flatten();
        let file = file.and_then(|file| file.extract().ok());
        let because = "the layout of instances, which stays as it is".to_owned();
        self.stale.push(Stale { name: label, line: step.line, because, file });
        Ok(())
    }
}

/// The first of the slots that instances of the class can't hold: they have neither that slot nor a dictionary.
fn missing(class: &Bound<'_, PyType>, slots: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let offset = |name: &str| class.getattr(name)?.extract::<isize>();
    let (dictionary, weakly) = (offset("__dictoffset__")? != 0, offset("__weakrefoffset__")? != 0);
    let names: Vec<String> = match slots.cast_exact::<PyString>() {
        Ok(name) => vec![name.extract()?],
        Err(_) => slots.try_iter()?.map(|name| name?.extract()).collect::<PyResult<_>>()?,
    };
    for name in names {
        let held = match name.as_str() {
            "__weakref__" => weakly,
            "__dict__" => dictionary,
            name => dictionary || has_slot(class, name)?,
        };
        if !held {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn has_slot(class: &Bound<'_, PyType>, name: &str) -> PyResult<bool> {
    for base in class.mro() {
        let base = base.cast_into::<PyType>()?;
        let own = class_name(&base).trim_start_matches('_').to_owned();
        let private = name.starts_with("__") && !name.ends_with("__");
        let name = if private { format!("_{own}{name}") } else { name.to_owned() };
        let slot = scope::attribute(&base, &name);
        if slot.is_some_and(|slot| slot.get_type().name().is_ok_and(|kind| kind == "member_descriptor")) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn class_name(class: &Bound<'_, PyType>) -> String {
    class.name().map(|name| name.to_string()).unwrap_or_default()
}
