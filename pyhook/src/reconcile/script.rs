//! Patches that come while the body of the script runs (`__main__`): what it has not come to yet is not there to
//! be changed, and would be bound anew after a change.

use super::{frames, scope};
use crate::{interpreter, modules};
use patchctl_protocol::hook::{ModulePlan, Outcome};
use patchctl_protocol::plan::{Action, Plan};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Whether the running script has still to come to something that these plans change.
pub fn is_before(py: Python<'_>, modules: &[ModulePlan]) -> bool {
    let Some(main) = interpreter::namespace(py, modules::MAIN).ok().flatten() else { return false };
    let content = modules.iter().find_map(|module| match &module.outcome {
        Outcome::Plan(content) if modules::namespace(py, &module.name)?.is(&main) => Some(content),
        _ => None,
    });
    let Some(content) = content else { return false };
    let line = body_line(py, &main).ok().flatten();
    line.is_some_and(|line| lacks(content, &main, line))
}

fn lacks(content: &Plan, main: &Bound<'_, PyDict>, line: u32) -> bool {
    let absent = |scope: &[String], name: &str| scope::lookup(main, scope, name).is_none();
    let functions = content.functions.iter().filter(|change| change.old_line > line && !change.conditional);
    let mut steps = content.steps.iter().filter(|step| step.replaces && step.action == Action::Execute);
    functions.into_iter().any(|change| absent(&change.scope, &change.name))
        || steps.any(|step| step.binds.iter().any(|name| absent(&step.scope, name)))
}

/// Whether the body of the script, whose namespace this is, runs.
pub fn has_begun(py: Python<'_>, main: &Bound<'_, PyDict>) -> bool {
    body_line(py, main).ok().flatten().is_some()
}

/// The line at which the body of the script is, while it runs.
fn body_line(py: Python<'_>, main: &Bound<'_, PyDict>) -> PyResult<Option<u32>> {
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
