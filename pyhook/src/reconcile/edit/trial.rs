//! Edits tried on the code of a module that no process runs, for checks: where they would apply, and why not.

use super::apply::apply;
use super::import::{Tree, by_function};
use super::refusals;
use crate::interpreter;
use patchctl_protocol::edit::{Edit, Examined, Function};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Tries edits (a JSON list of [`Edit`]) on a module's code; the answer is [`Examined`] as JSON. Nothing of the
/// module runs.
#[pyfunction]
pub fn examine<'py>(code: &Bound<'py, PyAny>, edits: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let malformed = |error: serde_json::Error| PyValueError::new_err(error.to_string());
    let edits: Vec<Edit> = serde_json::from_slice(edits).map_err(malformed)?;
    let mut examined = Examined::default();
    for (function, own) in by_function(&edits) {
        try_one(code, function, &own, &mut examined)?;
    }
    let answer = serde_json::to_vec(&examined).map_err(malformed)?;
    Ok(PyBytes::new(code.py(), &answer))
}

fn try_one(
    code: &Bound<'_, PyAny>,
    function: &Function,
    edits: &[&Edit],
    examined: &mut Examined,
) -> PyResult<()> {
    let name = &function.qualname;
    let Some(found) = Tree(code).find(function)? else {
        examined.missing.push(name.clone());
        return Ok(());
    };
    let file = interpreter::text(&found, "co_filename").unwrap_or_default();
    match apply(&found, edits, None) {
        Ok(edited) => {
            let places = refusals::spots(&edited.places, &file);
            examined.notes.extend(places.iter().map(|place| format!("{name}: {place}")));
        }
        Err(None) => {
            examined.notes.push(format!("{name}: whether its edits fit shows only once the module has run"));
        }
        Err(Some(failure)) => {
            examined.refusal.get_or_insert(failure.refusal);
        }
    }
    Ok(())
}
