//! Edits without a process: tried by the hook's own extension in the interpreter, on the code that the module's
//! file holds or compiles to.

use super::definitions::qualnames;
use crate::hook;
use crate::interpreter::Interpreter;
use patchctl_planner::near_misses;
use patchctl_protocol::client::CheckedModule;
use patchctl_protocol::edit::Examined;
use patchctl_protocol::plan::Plan;
use patchctl_protocol::state::Refusal;
use std::path::Path;

/// The plan; where its edits apply is noted. `original` is the source, if there is any.
///
/// # Errors
/// Why the edits do not fit.
pub fn tried(
    plan: Plan,
    file: &Path,
    original: &str,
    interpreter: &Interpreter,
    checked: &mut CheckedModule,
) -> Result<Plan, Refusal> {
    if plan.edits.is_empty() {
        return Ok(plan);
    }
    match examine(&plan, file, interpreter) {
        Ok(Examined { notes, missing, refusal }) => {
            checked.notes.extend(notes);
            let names = qualnames(original);
            checked.notes.extend(missing.iter().map(|name| missing_function(name, &names)));
            refusal.map_or(Ok(plan), Err)
        }
        Err(why) => {
            checked.notes.push(format!("whether the edits fit was not tried: {why}"));
            Ok(plan)
        }
    }
}

fn examine(plan: &Plan, file: &Path, interpreter: &Interpreter) -> Result<Examined, String> {
    if let Some(reason) = hook::support(interpreter) {
        return Err(reason);
    }
    let tried = hook::extension().and_then(|extension| interpreter.examine(&extension, file, &plan.edits));
    tried.map_err(|error| [vec![error.message], error.causes].concat().join(": "))
}

/// An edited function that no definition is: it may be made otherwise, or be misspelt.
fn missing_function(wanted: &str, names: &[String]) -> String {
    let near = near_misses(wanted, names.iter().map(String::as_str));
    let near = if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
    format!("{wanted} is no definition in the source{near}")
}
