//! What has to wait until a module has run is done as its last act, before the import returns: the module's
//! code calls, before its end, an object that stands among its constants.

use super::super::{Verdict, carry_out, running_plan};
use super::constants::Objects;
use super::guarded::guarded;
use super::{convert, tables};
use crate::interpreter;
use patchctl_codeobject::edit::{Edit, InsertAt, Source, Statement, apply};
use patchctl_codeobject::{CodeObject, Constant};
use patchctl_protocol::hook::{Phase, PlanReply};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// The constant in whose place the object is put.
const PLACEHOLDER: &str = "patchctl: the module has run";

/// How often it is planned again without a patch that fails.
const ATTEMPTS: usize = 8;

/// Brings a module to its target when it is called.
#[pyclass(frozen, module = "patchctl_hook._native")]
struct AfterImport {
    name: String,
}

#[pymethods]
impl AfterImport {
    #[pyo3(signature = (*_arguments))]
    fn __call__(&self, py: Python<'_>, _arguments: &Bound<'_, PyTuple>) {
        for _ in 0..ATTEMPTS {
            // What is not done here is left to the link's thread.
            match self.bring(py) {
                Some(Verdict::Replan) => {}
                _ => return,
            }
        }
    }
}

impl AfterImport {
    fn bring(&self, py: Python<'_>) -> Option<Verdict> {
        let plan = running_plan(py, &self.name, Phase::Live)?;
        Some(carry_out(py, &PlanReply { request: 0, revision: 0, modules: vec![plan] }))
    }
}

/// The module's code with that call before its end; the same code where that can't be done.
pub fn with_call<'py>(tree: &Bound<'py, PyAny>, name: &str) -> Bound<'py, PyAny> {
    calling(tree, name).ok().flatten().unwrap_or_else(|| tree.clone())
}

fn calling<'py>(tree: &Bound<'py, PyAny>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = tree.py();
    let Ok(version) = tables::version(py) else { return Ok(None) };
    let mut objects = Objects::default();
    let module = convert::code_object(tree, &mut objects)?;
    let text = format!("{PLACEHOLDER:?}.__call__()");
    let source = Statement::source(&module, version, Source { text: &text, ..Source::default() }, &[]);
    let compiled = interpreter::compile(py, &source, &module.filename.to_string())?;
    let mut statement = convert::code_object(&compiled, &mut objects)?;
    let call = Bound::new(py, AfterImport { name: name.to_owned() })?.into_any();
    put(&mut statement, &objects.opaque(call));
    let statement = Box::new(Statement { code: statement });
    let edit = Edit::Insert { at: InsertAt::Return(None), statement };
    let Ok(Ok(edited)) = guarded(|| apply(&module, version, &[edit])) else { return Ok(None) };
    convert::changed(tree, &module, &edited.code, &objects).map(Some)
}

fn put(statement: &mut CodeObject, call: &Constant) {
    let placeholder = Constant::from(PLACEHOLDER);
    for constant in statement.consts.iter_mut().filter(|constant| **constant == placeholder) {
        *constant = call.clone();
    }
}
