//! Patches that failed in this process, and so are planned without until their content changes; and patches that
//! can't be taken out of it.

use super::records;
use patchctl_protocol::hook::ModulePlan;
use patchctl_protocol::plan::PatchRef;
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Why a change of modules failed, and by which patches (all that were to be applied if it names none).
#[derive(Debug)]
pub struct Failure {
    pub patches: Vec<String>,
    pub refusal: Refusal,
}

impl Failure {
    pub fn new(patches: &[String], refusal: Refusal) -> Self {
        Self { patches: patches.to_vec(), refusal }
    }
}

/// A patch that failed here, and the modules at which it did.
#[derive(Clone)]
pub struct Failed {
    pub patch: PatchRef,
    pub refusal: Refusal,
    pub modules: Vec<String>,
}

static FAILED: Mutex<Vec<Failed>> = Mutex::new(Vec::new());
/// What is to go and stays.
static KEPT: Mutex<Vec<Failed>> = Mutex::new(Vec::new());

fn failed() -> MutexGuard<'static, Vec<Failed>> {
    FAILED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The patches that failed here.
pub fn excluded() -> Vec<PatchRef> {
    failed().iter().map(|failed| failed.patch.clone()).collect()
}

fn kept() -> MutexGuard<'static, Vec<Failed>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a patch could not be taken out.
pub fn why_kept(patch: &PatchRef) -> Option<Refusal> {
    kept().iter().find(|kept| kept.patch == *patch).map(|kept| kept.refusal.clone())
}

/// Notes that the patches which these modules run, and are not to run, could not be taken out.
pub fn keep(failure: &Failure, modules: &[ModulePlan]) {
    let mut kept = kept();
    for module in modules {
        for patch in records::applied(&module.name) {
            if !module.applied.contains(&patch) && !kept.iter().any(|other| other.patch == patch) {
                let modules = vec![module.name.clone()];
                kept.push(Failed { patch, refusal: failure.refusal.clone(), modules });
            }
        }
    }
}

/// All failures.
pub fn all() -> Vec<Failed> {
    failed().clone()
}

/// The patch sets of these modules changed: what failed there is tried again.
pub fn forget(modules: &[String]) {
    let others = |failed: &Failed| !failed.modules.iter().any(|module| modules.contains(module));
    failed().retain(others);
    kept().retain(others);
}

/// Excludes the patches that made a change fail. Whether there is anything new to plan without.
pub fn exclude(failure: &Failure, modules: &[ModulePlan]) -> bool {
    let applied = modules.iter().flat_map(|module| &module.applied);
    let named = applied.filter(|patch| failure.patches.is_empty() || failure.patches.contains(&patch.id));
    let mut new = false;
    for patch in named {
        new |= add(patch, &failure.refusal, modules);
    }
    new
}

/// All or nothing: a patch that fits one module and not another is excluded from both.
pub fn exclude_partial(modules: &[ModulePlan]) -> bool {
    let mut new = false;
    for skipped in modules.iter().flat_map(|module| &module.skipped) {
        let elsewhere = modules.iter().any(|module| module.applied.contains(&skipped.patch));
        let mismatch = !matches!(skipped.refusal.reason, Reason::AlreadyApplied | Reason::OtherProcess);
        if mismatch && (elsewhere || records::has_applied(&skipped.patch)) {
            new |= add(&skipped.patch, &skipped.refusal, modules);
        }
    }
    new
}

fn add(patch: &PatchRef, refusal: &Refusal, modules: &[ModulePlan]) -> bool {
    let modules: Vec<String> = modules.iter().map(|module| module.name.clone()).collect();
    fail(patch, refusal, &modules)
}

/// Excludes a patch that failed at these modules. Whether that is new.
pub fn fail(patch: &PatchRef, refusal: &Refusal, modules: &[String]) -> bool {
    let mut failed = failed();
    if failed.iter().any(|other| other.patch == *patch) {
        return false;
    }
    // An earlier content of the same patch says nothing any more.
    failed.retain(|other| other.patch.id != patch.id);
    failed.push(Failed { patch: patch.clone(), refusal: refusal.clone(), modules: modules.to_vec() });
    drop(failed);
    records::outdate(patch);
    true
}

/// A fault of ours or of a patch's own code, with the interpreter's words.
pub fn refusal(py: Python<'_>, reason: Reason, what: &str, error: &PyErr) -> Refusal {
    let name = error.get_type(py).name().map(|name| name.to_string()).unwrap_or_default();
    Refusal::new(reason, format!("{what}: {name}: {}", error.value(py)))
}
