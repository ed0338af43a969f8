//! The script as its patches want it, once the interpreter is about to run it.

use crate::{desired, interpreter, link, modules, reconcile};
use patchctl_protocol::hook::Phase;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Code and namespace of the script with its patches, given the code that the interpreter is about to run;
/// `None` if that is not the script's, or there are no patches or none in time.
pub fn patched(code: &Bound<'_, PyAny>) -> Option<(Py<PyAny>, Py<PyAny>)> {
    let py = code.py();
    let main = interpreter::namespace(py, modules::MAIN).ok().flatten()?;
    let name = name_of(&main, code)?;
    let answer = reconcile::running_plan(py, &name, Phase::Import)?;
    let patched = reconcile::graft(code, &answer).ok().flatten();
    link::report_soon();
    Some((patched?.unbind(), main.into_any().unbind()))
}

/// The name by which patches know the script, if this code is its and it has any.
fn name_of(main: &Bound<'_, PyDict>, code: &Bound<'_, PyAny>) -> Option<String> {
    let py = main.py();
    let file = main.get_item("__file__").ok().flatten()?;
    let is_own = file.eq(code.getattr("co_filename").ok()?).unwrap_or(false);
    let name = modules::main_name(main).filter(|name| is_own && desired::names(name))?;
    // A module of that name is the one that patches mean.
    interpreter::namespace(py, &name).ok()?.is_none().then_some(name)
}
