//! Edits of a module's code before it runs.

use super::super::codes;
use super::super::failures::Failure;
use super::super::record::{Body, CodeRecord, Record};
use super::after;
use super::apply::{apply, patches};
use crate::interpreter;
use crate::reconcile::refusal;
use patchctl_protocol::edit::{Edit, Function};
use patchctl_protocol::plan::{PatchRef, Plan};
use patchctl_protocol::state::Reason;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// The module's code with a plan's edits in it, recorded. Edits that can't be made before the module ran
/// (they change default values, or name what only the running module tells) are made as its last act; until
/// then the record says that the module is not what it should be.
///
/// # Errors
/// Which patch fails, and why.
pub fn edited<'py>(
    code: &Bound<'py, PyAny>,
    module: &str,
    plan: &Plan,
    record: &mut Record,
) -> Result<Bound<'py, PyAny>, Failure> {
    let mut tree = code.clone();
    let mut waiting = false;
    for (function, edits) in by_function(&plan.edits) {
        let patches = patches(&edits);
        match Tree(&tree).edit(function, &edits, &patches, record)? {
            Some(new) => tree = new,
            None => {
                postpone(record, &patches);
                waiting = true;
            }
        }
    }
    Ok(if waiting { after::with_call(&tree, module) } else { tree })
}

/// Each function with its edits. Bodies come last: they hold the functions.
pub fn by_function(edits: &[Edit]) -> Vec<(&Function, Vec<&Edit>)> {
    let mut functions: Vec<&Function> = Vec::new();
    for edit in edits {
        if !functions.contains(&&edit.function) {
            functions.push(&edit.function);
        }
    }
    functions.sort_by_key(|function| function.is_body());
    let own = |function: &Function| edits.iter().filter(|edit| edit.function == *function).collect();
    functions.into_iter().map(|function| (function, own(function))).collect()
}

/// What waits for the module to have run.
fn postpone(record: &mut Record, patches: &[String]) {
    record.digest = patchctl_protocol::digest::Digest::default();
    record.applied.retain(|patch| !patches.contains(&patch.id));
    record.since.retain(|(patch, _)| !patches.contains(&patch.id));
}

/// A module's code, with the code of its functions in it.
pub struct Tree<'a, 'py>(pub &'a Bound<'py, PyAny>);

impl<'py> Tree<'_, 'py> {
    /// The tree with one function edited; `None` if that can't be done before the module ran.
    fn edit(
        &self,
        function: &Function,
        edits: &[&Edit],
        patches: &[String],
        record: &mut Record,
    ) -> Result<Option<Bound<'py, PyAny>>, Failure> {
        let internal =
            |error: PyErr| Failure::new(patches, refusal(self.0.py(), Reason::Internal, "editing", &error));
        if edits.iter().any(|edit| edit.operation.changes_defaults()) {
            return Ok(None);
        }
        let Some(found) = self.find(function).map_err(internal)? else { return Ok(None) };
        let edited = match apply(&found, edits, None) {
            Ok(edited) => edited.code,
            Err(None) => return Ok(None),
            Err(Some(failure)) => return Err(failure),
        };
        let is_function = codes::is_function_body(&found).map_err(internal)?;
        if is_function {
            note(&found, &edited, function, patches, record).map_err(internal)?;
        } else {
            let applied = record.applied.iter().filter(|patch| patches.contains(&patch.id));
            let (qualname, line) = (&function.qualname, codes::first_line(&found).map_err(internal)?);
            let body = |patch: &PatchRef| Body { patch: patch.clone(), qualname: qualname.clone(), line };
            record.bodies.extend(applied.map(body));
            record.imported.push((function.qualname.clone(), patches.to_vec()));
        }
        replaced(self.0, &found, &edited).map(Some).map_err(internal)
    }

    /// The one code object of that qualified name.
    pub fn find(&self, function: &Function) -> PyResult<Option<Bound<'py, PyAny>>> {
        if function.is_body() {
            return Ok(Some(self.0.clone()));
        }
        let mut found = vec![self.0.clone()];
        for name in function.qualname.split('.') {
            let mut inner = Vec::new();
            for code in &found {
                named(code, name, &mut inner)?;
            }
            found = inner;
        }
        Ok(if found.len() == 1 { found.pop() } else { None })
    }
}

/// The code objects of that name directly within another, or within its type parameters (PEP 695).
fn named<'py>(code: &Bound<'py, PyAny>, name: &str, found: &mut Vec<Bound<'py, PyAny>>) -> PyResult<()> {
    for constant in interpreter::constants(code)?.iter() {
        if !interpreter::is_code(&constant)? {
            continue;
        }
        match interpreter::text(&constant, "co_name") {
            Some(own) if own == name => found.push(constant),
            Some(own) if own.starts_with("<generic parameters of ") => named(&constant, name, found)?,
            _ => {}
        }
    }
    Ok(())
}

/// Records the new code objects. What changed at source level before keeps its original.
pub(super) fn note<'py>(
    old: &Bound<'py, PyAny>,
    new: &Bound<'py, PyAny>,
    function: &Function,
    patches: &[String],
    record: &mut Record,
) -> PyResult<()> {
    for pair in codes::pairs(0, &function.qualname, old, new)? {
        let known = record.codes.iter_mut().find(|code| code.current.is(&pair.old));
        match known {
            Some(code) => {
                if code.original.is_none() {
                    code.original = Some(pair.old.unbind());
                }
                code.current = pair.new.unbind();
                code.patches.extend(patches.iter().cloned());
            }
            None => record.codes.push(CodeRecord {
                qualname: pair.qualname,
                original: Some(pair.old.unbind()),
                current: pair.new.unbind(),
                outermost: pair.outermost,
                optional: !pair.outermost,
                patches: patches.to_vec(),
            }),
        }
    }
    Ok(())
}

/// A tree of code objects with another one in the place of one of them.
fn replaced<'py>(
    tree: &Bound<'py, PyAny>,
    old: &Bound<'py, PyAny>,
    new: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    if tree.is(old) {
        return Ok(new.clone());
    }
    let mut changed = false;
    let mut constants = Vec::new();
    for constant in interpreter::constants(tree)?.iter() {
        let put =
            if interpreter::is_code(&constant)? { replaced(&constant, old, new)? } else { constant.clone() };
        changed |= !put.is(&constant);
        constants.push(put);
    }
    if !changed {
        return Ok(tree.clone());
    }
    let options = PyDict::new(tree.py());
    options.set_item("co_consts", PyTuple::new(tree.py(), constants)?)?;
    tree.call_method("replace", (), Some(&options))
}
