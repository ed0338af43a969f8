//! Patches that come while the body of the script runs (`__main__`): what it has not come to yet is not there to
//! be changed, and would be bound anew after a change.

use super::{frames, records, scope};
use crate::{interpreter, modules};
use patchctl_protocol::hook::{ModulePlan, Outcome};
use patchctl_protocol::plan::{Action, PatchRef, Plan};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::{Mutex, PoisonError};

/// A patch that waits for the body, with the module for which it does, and what that has still to come to.
pub type Waiting = (PatchRef, String, String);

/// Locked with the GIL held, never across a call into Python.
static WAITING: Mutex<Vec<Waiting>> = Mutex::new(Vec::new());

/// The patches that wait for the body.
pub fn waiting() -> Vec<Waiting> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Whether the running script has still to come to something that these plans change; what is new among their
/// patches then waits.
pub fn is_before(py: Python<'_>, modules: &[ModulePlan]) -> bool {
    let lacking = lacking(py, modules);
    let waiting = lacking.iter().flat_map(|detail| {
        let all = modules.iter().flat_map(|module| module.applied.iter().map(|patch| (patch, &module.name)));
        let new = all.filter(|(patch, _)| !records::has_applied(patch));
        new.map(|(patch, module)| (patch.clone(), module.clone(), detail.clone()))
    });
    let waiting = waiting.collect();
    *WAITING.lock().unwrap_or_else(PoisonError::into_inner) = waiting;
    lacking.is_some()
}

/// What the body has still to come to, in words.
fn lacking(py: Python<'_>, modules: &[ModulePlan]) -> Option<String> {
    let main = interpreter::namespace(py, modules::MAIN).ok().flatten()?;
    let content = modules.iter().find_map(|module| match &module.outcome {
        Outcome::Plan(content) if modules::namespace(py, &module.name)?.is(&main) => Some(content),
        _ => None,
    })?;
    let line = body_line(py, &main)?;
    let name = absent(content, &main, line)?;
    Some(format!("the script is at line {line}, before {name}"))
}

/// The first name that a plan changes and that is not there yet.
fn absent(content: &Plan, main: &Bound<'_, PyDict>, line: u32) -> Option<String> {
    let absent = |scope: &[String], name: &str| scope::lookup(main, scope, name).is_none();
    let mut functions =
        content.functions.iter().filter(|change| change.old_line > line && !change.is_optional());
    if let Some(change) = functions.find(|change| absent(&change.scope, &change.name)) {
        return Some(change.qualname.clone());
    }
    let steps = content.steps.iter().filter(|step| step.replaces && step.action == Action::Execute);
    let mut names = steps.flat_map(|step| step.binds.iter().map(|name| (&step.scope, name)));
    names.find(|(scope, name)| absent(scope, name)).map(|(_, name)| name.clone())
}

/// Whether the body of the script, whose namespace this is, runs.
pub fn has_begun(py: Python<'_>, main: &Bound<'_, PyDict>) -> bool {
    body_line(py, main).is_some()
}

/// The line at which the body with this namespace is, while it runs.
pub fn body_line(py: Python<'_>, main: &Bound<'_, PyDict>) -> Option<u32> {
    line_of_body(py, main).ok().flatten()
}

fn line_of_body(py: Python<'_>, main: &Bound<'_, PyDict>) -> PyResult<Option<u32>> {
    for frame in frames::innermost(py)?.values().iter() {
        for frame in frames::outwards(frame) {
            let frame = frame?;
            let name = interpreter::text(&frame.getattr("f_code")?, "co_name");
            if name.as_deref() == Some("<module>") && frame.getattr("f_globals")?.is(main) {
                return frame.getattr("f_lineno")?.extract();
            }
        }
    }
    Ok(None)
}
