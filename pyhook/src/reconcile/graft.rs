//! Patching at import: the changed functions take their places in the module's tree of code objects before
//! it runs, so that decorators, registries and nested functions see only the new code. Where more than
//! function bodies changes, the whole target text is compiled instead.

use super::records::{self, CodeRecord, Record};
use super::{codes, commit, failures};
use crate::interpreter;
use patchctl_protocol::hook::{ModulePlan, Outcome};
use patchctl_protocol::plan::{Parts, Plan};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// The module's code with its patches; `None` if it is to run as it is.
///
/// # Errors
/// What compiling raises; the module then runs as it is, and the live path reports.
pub fn graft<'py>(code: &Bound<'py, PyAny>, module: &ModulePlan) -> PyResult<Option<Bound<'py, PyAny>>> {
    if failures::exclude_partial(std::slice::from_ref(module)) {
        // The live path plans again without it, for all modules.
        return Ok(None);
    }
    let mut record = Record {
        digest: super::digest_of(&module.name),
        applied: module.applied.clone(),
        skipped: module.skipped.clone(),
        since: module.applied.iter().map(|patch| (patch.clone(), commit::now())).collect(),
        ..Record::default()
    };
    let Outcome::Plan(plan) = &module.outcome else {
        drop(records::put(&module.name, record));
        return Ok(None);
    };
    record.original = plan.original.clone();
    record.target = plan.target.clone();
    let file: String = code.getattr("co_filename")?.extract()?;
    let patched = match &plan.source {
        Some(source) => Some(whole(code.py(), plan, source, &file, &mut record)?),
        None => grafted(code, plan, &file, &mut record)?,
    };
    match patched {
        Some(patched) => {
            drop(records::put(&module.name, record));
            Ok(Some(patched))
        }
        None => {
            let detail = "the loaded code is not what its source compiles to";
            let refusal = Refusal::new(Reason::FingerprintMismatch, detail);
            failures::exclude(&failures::Failure::new(&[], refusal), std::slice::from_ref(module));
            Ok(None)
        }
    }
}

/// The file with the text of a module that no finder finds and a patch adds, if the plan is of one; records
/// it as patched.
pub fn added(module: &ModulePlan) -> Option<&str> {
    let Outcome::Plan(plan) = &module.outcome else { return None };
    if plan.source.is_none() || plan.filename.is_empty() {
        return None;
    }
    let patches = module.applied.iter().map(|patch| patch.id.clone()).collect();
    let record = Record {
        digest: super::digest_of(&module.name),
        target: plan.target.clone(),
        base: Some(plan.target.clone()),
        applied: module.applied.clone(),
        skipped: module.skipped.clone(),
        since: module.applied.iter().map(|patch| (patch.clone(), commit::now())).collect(),
        imported: vec![("<module>".to_owned(), patches)],
        ..Record::default()
    };
    drop(records::put(&module.name, record));
    Some(&plan.filename)
}

/// The whole target text, compiled.
fn whole<'py>(
    py: Python<'py>,
    plan: &Plan,
    source: &str,
    file: &str,
    record: &mut Record,
) -> PyResult<Bound<'py, PyAny>> {
    let filename = if plan.filename.is_empty() { file } else { &plan.filename };
    let code = interpreter::compile(py, source, filename)?;
    for change in &plan.functions {
        if let Some(current) = codes::find(&code, codes::own_name(change), change.new_line)? {
            record.codes.push(CodeRecord {
                qualname: change.qualname.clone(),
                original: None,
                current: current.unbind(),
                outermost: true,
                optional: change.conditional,
                patches: change.patches.clone(),
            });
        }
    }
    let labels = plan.steps.iter().flat_map(|step| {
        step.binds.iter().map(|name| {
            (step.scope.iter().chain([name]).cloned().collect::<Vec<_>>().join("."), step.patches.clone())
        })
    });
    record.imported = labels.collect();
    record.base = Some(plan.target.clone());
    Ok(code)
}

/// The loaded code with the changed functions in it; `None` if one of them is not what the plan expects.
fn grafted<'py>(
    code: &Bound<'py, PyAny>,
    plan: &Plan,
    file: &str,
    record: &mut Record,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = code.py();
    let Some(old) = &plan.old_skeleton else { return Ok(None) };
    let filename = if plan.filename.is_empty() { file } else { &plan.filename };
    let old = interpreter::compile(py, old, file)?;
    let new = interpreter::compile(py, &plan.new_skeleton, filename)?;
    let mut grafts = Vec::new();
    for change in plan.functions.iter().filter(|change| change.parts != Parts::default()) {
        let name = codes::own_name(change);
        let expected = codes::all(&old, name, change.old_line)?;
        let wanted = codes::all(&new, name, change.new_line)?;
        let loaded = codes::all(code, name, change.old_line)?;
        if expected.is_empty() || expected.len() != wanted.len() || loaded.len() != expected.len() {
            return Ok(None);
        }
        for ((expected, wanted), loaded) in expected.iter().zip(&wanted).zip(loaded) {
            if !loaded.eq(expected)? {
                return Ok(None);
            }
            if loaded.eq(wanted)? {
                continue;
            }
            for pair in codes::pairs(0, &change.qualname, &loaded, wanted)? {
                record.codes.push(CodeRecord {
                    qualname: pair.qualname,
                    original: Some(pair.old.unbind()),
                    current: pair.new.unbind(),
                    outermost: pair.outermost,
                    optional: change.conditional || !pair.outermost,
                    patches: change.patches.clone(),
                });
            }
            grafts.push((loaded, wanted.clone()));
        }
    }
    replace(code, &grafts).map(Some)
}

/// A code object with the second of each pair in the place of the first, however deep.
fn replace<'py>(
    code: &Bound<'py, PyAny>,
    grafts: &[(Bound<'py, PyAny>, Bound<'py, PyAny>)],
) -> PyResult<Bound<'py, PyAny>> {
    if let Some((_, new)) = grafts.iter().find(|(old, _)| old.is(code)) {
        return Ok(new.clone());
    }
    let mut changed = false;
    let mut constants = Vec::new();
    for constant in interpreter::constants(code)?.iter() {
        let new =
            if interpreter::is_code(&constant)? { replace(&constant, grafts)? } else { constant.clone() };
        changed |= !new.is(&constant);
        constants.push(new);
    }
    if !changed {
        return Ok(code.clone());
    }
    let options = PyDict::new(code.py());
    options.set_item("co_consts", PyTuple::new(code.py(), constants)?)?;
    code.call_method("replace", (), Some(&options))
}
