//! One patch against one interpreter: guards, then each module's source, its target and the plan.

use super::definitions::qualnames;
use super::edits;
use super::finder::{self, Found};
use super::installed::Installed;
use super::text;
use crate::interpreter::Interpreter;
use crate::time::now;
use patchctl_planner::{
    Environment, Patch, PlanOptions, Texts, add_edits, compose, near_misses, plan, plan_without_source,
};
use patchctl_protocol::client::{CheckedModule, PatchKind};
use patchctl_protocol::hook::Phase;
use patchctl_protocol::plan::{Plan, StepKind};
use patchctl_protocol::state::{Reason, Refusal};

/// What the patch would do to each of its modules in a process of this interpreter. Which processes it is
/// meant for is not asked, as there is none.
#[must_use]
pub fn examine(patch: &Patch, interpreter: &Interpreter, renew: &[String]) -> Vec<CheckedModule> {
    let guarded = guard(patch, interpreter).err();
    let one = |module: &String| {
        let mut checked = examine_module(patch, module, interpreter, renew);
        checked.refusal = guarded.clone().or(checked.refusal);
        checked
    };
    patch.modules.iter().map(one).collect()
}

fn guard(patch: &Patch, interpreter: &Interpreter) -> Result<(), Refusal> {
    let installed = Installed::find(&interpreter.search_path);
    let mut patch = patch.clone();
    patch.header.processes = patchctl_planner::Processes::default();
    patch.guard(&Environment {
        python: &interpreter.version,
        command: &[],
        user: "",
        uid: rustix::process::getuid().as_raw(),
        prefix: &interpreter.prefix,
        executable: &interpreter.executable,
        now: now(),
        version_of: &|name| installed.version(name),
    })
}

fn examine_module(patch: &Patch, module: &str, interpreter: &Interpreter, renew: &[String]) -> CheckedModule {
    let mut checked =
        CheckedModule { module: module.to_owned(), file: None, refusal: None, notes: Vec::new(), plan: None };
    match finder::find(module, &interpreter.search_path) {
        Err(Refusal { reason: Reason::NeedsSource, .. }) if patch.kind == PatchKind::Edits => {
            checked.refusal = examine_bytecode(patch, interpreter, &mut checked).err();
        }
        Err(refusal) if refusal.reason == Reason::TargetNotFound && patch.new_module(module).is_some() => {
            checked.notes.push("a new file, which becomes importable".to_owned());
        }
        Err(refusal) => checked.refusal = Some(refusal),
        Ok(found) => {
            checked.file = Some(found.file.display().to_string());
            checked.refusal = examine_source(patch, &found, renew, interpreter, &mut checked).err();
        }
    }
    checked
}

fn examine_bytecode(
    patch: &Patch,
    interpreter: &Interpreter,
    checked: &mut CheckedModule,
) -> Result<(), Refusal> {
    let file = finder::code(&checked.module, &interpreter.search_path)?;
    checked.file = Some(file.display().to_string());
    let planned = plan_without_source(&checked.module, &[patch])?;
    checked.plan = Some(edits::tried(planned, &file, "", interpreter, checked)?);
    Ok(())
}

fn examine_source(
    patch: &Patch,
    found: &Found,
    renew: &[String],
    interpreter: &Interpreter,
    checked: &mut CheckedModule,
) -> Result<(), Refusal> {
    let original = text::read(&found.file)?;
    let module = checked.module.clone();
    let composed = compose(&module, found.is_package, &original, &[patch]);
    checked.notes.extend(composed.notes);
    if let Some((_, refusal)) = composed.skipped.into_iter().next() {
        return Err(refusal);
    }
    let texts = Texts {
        module: &module,
        is_package: found.is_package,
        original: &original,
        running: &original,
        target: &composed.text,
        contributions: &composed.contributions,
    };
    let renew = [renew, &patch.header.renew].concat();
    let mut planned = plan(&texts, &PlanOptions { renew: &renew, phase: Phase::Live })?;
    if patch.kind == PatchKind::Python {
        checked.notes.extend(near_definitions(&planned, &original));
    }
    add_edits(&mut planned, &[patch])?;
    checked.plan = Some(edits::tried(planned, &found.file, &original, interpreter, checked)?);
    Ok(())
}

/// A Python patch with a slip in a name adds a definition instead of replacing one.
fn near_definitions(plan: &Plan, original: &str) -> Vec<String> {
    let names = qualnames(original);
    let added = plan
        .steps
        .iter()
        .filter(|step| matches!(step.kind, StepKind::NewFunction | StepKind::NewMethod | StepKind::NewClass));
    let wanted = added.flat_map(|step| {
        step.binds.iter().map(|name| [step.scope.as_slice(), std::slice::from_ref(name)].concat().join("."))
    });
    let note = |wanted: String| {
        let near = near_misses(&wanted, names.iter().map(String::as_str));
        (!near.is_empty()).then(|| format!("{wanted} is new; near it: {}", near.join(", ")))
    };
    wanted.filter_map(note).collect()
}
