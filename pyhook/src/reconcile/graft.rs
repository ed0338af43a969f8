//! Patching at import: the changed functions take their places in the module's tree of code objects before
//! it runs, so that decorators, registries and nested functions see only the new code. Where more than
//! function bodies changes, the whole target text is compiled instead.

use super::failures::Failure;
use super::index::Index;
use super::record::{CodeRecord, Record, Unpatched};
use super::records;
use super::{caches, codes, commit, compiled, edit, failures};
use crate::interpreter;
use patchctl_protocol::hook::{ModulePlan, Outcome};
use patchctl_protocol::plan::{Action, Parts, Plan, Step};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::collections::BTreeMap;

/// The module's code with its patches; `None` if it is to run as it is.
///
/// # Errors
/// What compiling raises; the module then runs as it is, and the live path reports.
pub fn graft<'py>(code: &Bound<'py, PyAny>, module: &ModulePlan) -> PyResult<Option<Bound<'py, PyAny>>> {
    if failures::exclude_partial(std::slice::from_ref(module)) {
        // The live path plans again without it, for all modules.
        return Ok(None);
    }
    let mut record = imported(module);
    let Outcome::Plan(plan) = &module.outcome else {
        drop(records::put(&module.name, record));
        return Ok(None);
    };
    record.original = plan.original.clone();
    record.affected = caches::affected(plan);
    record.begun_affected.clone_from(&record.affected);
    record.computed.clone_from(&plan.computed);
    record.target = plan.target.clone();
    let file: String = code.getattr("co_filename")?.extract()?;
    let patched = match &plan.source {
        Some(source) => Grafted::Code(whole(code, plan, source, &file, &mut record)?),
        None => grafted(code, plan, &file, &mut record)?,
    };
    match patched {
        Grafted::Code(patched) => match completed(&patched, module, plan, &mut record) {
            Ok(edited) => {
                drop(records::put(&module.name, record));
                Ok(Some(edited))
            }
            Err(failure) => {
                failures::exclude(&failure, std::slice::from_ref(module));
                Ok(None)
            }
        },
        Grafted::Later => Ok(Some(edit::with_call(code, &module.name))),
        Grafted::Unexpected => {
            let detail = "the loaded code is not what its source compiles to";
            let refusal = Refusal::new(Reason::FingerprintMismatch, detail);
            failures::exclude(&Failure::new(&[], refusal), std::slice::from_ref(module));
            Ok(None)
        }
    }
}

/// The record of a module that is imported with its patches, but for what its plan says.
fn imported(module: &ModulePlan) -> Record {
    Record {
        digest: module.digest.clone(),
        applied: module.applied.clone(),
        begun: module.applied.clone(),
        skipped: module.skipped.clone(),
        manners: module.manners.clone(),
        since: module.applied.iter().map(|patch| (patch.clone(), commit::now())).collect(),
        ..Record::default()
    }
}

/// Has the new code objects verified, and adds the plan's edits.
fn completed<'py>(
    patched: &Bound<'py, PyAny>,
    module: &ModulePlan,
    plan: &Plan,
    record: &mut Record,
) -> Result<Bound<'py, PyAny>, Failure> {
    for code in record.codes.iter().filter(|code| code.outermost) {
        let verified = edit::verify(code.current.bind(patched.py()));
        verified.map_err(|refusal| Failure::new(&code.patches, refusal))?;
    }
    edit::edited(patched, &module.name, plan, record)
}

/// The file with the text of a module that no finder finds and a patch adds, if the plan is of one; records
/// it as patched.
pub fn added(module: &ModulePlan) -> Option<&str> {
    let Outcome::Plan(plan) = &module.outcome else { return None };
    if plan.source.is_none() || plan.filename.is_empty() {
        return None;
    }
    let patches = module.applied.iter().map(|patch| patch.id.clone()).collect();
    let whole = vec![("<module>".to_owned(), patches)];
    let record = Record {
        original: plan.original.clone(),
        target: plan.target.clone(),
        base: Some(plan.target.clone()),
        imported: whole.clone(),
        created: whole,
        ..imported(module)
    };
    drop(records::put(&module.name, record));
    Some(&plan.filename)
}

/// The whole target text, compiled.
fn whole<'py>(
    loaded: &Bound<'py, PyAny>,
    plan: &Plan,
    source: &str,
    file: &str,
    record: &mut Record,
) -> PyResult<Bound<'py, PyAny>> {
    let code = match &*plan.filename {
        "" => interpreter::compile(loaded.py(), source, file),
        copy => compiled::code(loaded.py(), source, copy),
    }?;
    let (old, new) = (Index::of_old(loaded, plan)?, Index::of_new(&code, plan)?);
    for change in &plan.functions {
        let name = codes::own_name(change);
        let Some(current) = new.first(name, change.new_line) else { continue };
        if let Some(original) = old.first(name, change.old_line) {
            record.unpatched.push(Unpatched {
                current: current.clone().unbind(),
                original: original.unbind(),
                patches: change.patches.clone(),
            });
        }
        record.codes.push(CodeRecord {
            qualname: change.qualname.clone(),
            original: None,
            current: current.unbind(),
            outermost: true,
            optional: change.is_optional(),
            patches: change.patches.clone(),
        });
    }
    record.imported = plan.steps.iter().flat_map(bound).collect();
    let new = plan.steps.iter().filter(|step| step.action == Action::Execute && !step.replaces);
    record.created = new.flat_map(bound).collect();
    record.base = Some(plan.target.clone());
    Ok(code)
}

/// The names that a step binds, each with the step's patches.
fn bound(step: &Step) -> impl Iterator<Item = (String, Vec<String>)> {
    step.binds.iter().map(|name| (step.label(name), step.patches.clone()))
}

/// What came of a graft.
enum Grafted<'py> {
    /// The module's code with the changed functions in it.
    Code(Bound<'py, PyAny>),
    /// Not to be done before the module runs: the live path follows.
    Later,
    /// A function is not what the plan expects.
    Unexpected,
}

/// The loaded code with the changed functions in it.
fn grafted<'py>(
    code: &Bound<'py, PyAny>,
    plan: &Plan,
    file: &str,
    record: &mut Record,
) -> PyResult<Grafted<'py>> {
    let py = code.py();
    let Some(old) = &plan.old_skeleton else {
        // Without source, what exists is seen once the module has run; edits need no more than the code.
        let edits_alone = plan.functions.is_empty() && plan.steps.is_empty();
        return Ok(if edits_alone { Grafted::Code(code.clone()) } else { Grafted::Later });
    };
    if !plan.steps.is_empty() {
        return Ok(Grafted::Later);
    }
    let filename = if plan.filename.is_empty() { file } else { &plan.filename };
    let old = interpreter::compile(py, old, file)?;
    let new = interpreter::compile(py, &plan.new_skeleton, filename)?;
    let old = Index::of_old(&old, plan)?;
    let loaded = Index::like(&old, code, plan)?;
    let new = Index::of_new(&new, plan)?;
    let mut grafts = Grafts::default();
    for change in plan.functions.iter().filter(|change| change.parts != Parts::default()) {
        let name = codes::own_name(change);
        let expected: Vec<_> = old.all(name, change.old_line).collect();
        let wanted: Vec<_> = new.all(name, change.new_line).collect();
        let loaded: Vec<_> = loaded.all(name, change.old_line).collect();
        // The compiler leaves out what a constant condition rules out.
        if loaded.is_empty() && change.conditional {
            continue;
        }
        // What stands in a `finally` block is compiled once for each way into it.
        if !expected.is_empty() && loaded.len() > expected.len() {
            return Ok(Grafted::Later);
        }
        if expected.is_empty() || expected.len() != wanted.len() || loaded.len() != expected.len() {
            return Ok(Grafted::Unexpected);
        }
        for ((expected, wanted), loaded) in expected.into_iter().zip(wanted).zip(loaded) {
            if !loaded.code.eq(&expected.code)? {
                return Ok(Grafted::Unexpected);
            }
            if loaded.code.eq(&wanted.code)? {
                continue;
            }
            // The statement around it makes the closure; another one would end the process.
            if codes::free_variables(&loaded.code)? != codes::free_variables(&wanted.code)? {
                return Ok(Grafted::Later);
            }
            for pair in codes::pairs(0, &change.qualname, &loaded.code, &wanted.code)? {
                record.codes.push(CodeRecord {
                    qualname: pair.qualname,
                    original: Some(pair.old.unbind()),
                    current: pair.new.unbind(),
                    outermost: pair.outermost,
                    optional: change.is_optional() || !pair.outermost,
                    patches: change.patches.clone(),
                });
            }
            grafts.add(&loaded.path, &wanted.code);
        }
    }
    grafts.apply(code).map(Grafted::Code)
}

/// What is to stand at which positions of a tree of code objects.
#[derive(Default)]
struct Grafts<'py> {
    new: Option<Bound<'py, PyAny>>,
    within: BTreeMap<usize, Grafts<'py>>,
}

impl<'py> Grafts<'py> {
    fn add(&mut self, path: &[usize], code: &Bound<'py, PyAny>) {
        match path {
            [] => self.new = Some(code.clone()),
            [position, rest @ ..] => self.within.entry(*position).or_default().add(rest, code),
        }
    }

    /// The tree with the new code objects in their places; what is on no way to them stays the same object.
    fn apply(&self, code: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(new) = &self.new {
            return Ok(new.clone());
        }
        if self.within.is_empty() {
            return Ok(code.clone());
        }
        let mut others = BTreeMap::new();
        for (position, grafts) in &self.within {
            let new = grafts.apply(&interpreter::constants(code)?.get_item(*position)?)?;
            if !interpreter::replace_constant(code, *position, &new)? {
                others.insert(*position, new);
            }
        }
        if others.is_empty() {
            return Ok(code.clone());
        }
        let mut constants: Vec<_> = interpreter::constants(code)?.iter().collect();
        for (position, new) in others {
            constants[position] = new;
        }
        let options = PyDict::new(code.py());
        options.set_item("co_consts", PyTuple::new(code.py(), constants)?)?;
        code.call_method("replace", (), Some(&options))
    }
}
