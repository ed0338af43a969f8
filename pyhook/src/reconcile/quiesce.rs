//! Patches that are put in only at a moment at which no call of what they change is under way. Until then they
//! are left out of plans; the link's thread looks again and again, with the GIL released in between, so that the
//! application never waits. [`held`] says who is in the way.

use super::failures::{self, Failure};
use super::held::{self, Codes};
use super::prepare::Prepared;
use super::records;
use patchctl_protocol::plan::{Manner, PatchRef};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A patch that waits for its moment.
struct Waiting {
    patch: PatchRef,
    modules: Vec<String>,
    until: Instant,
    next: Instant,
    /// Between this attempt and the next.
    pause: Duration,
    force: bool,
    holder: String,
    codes: Vec<Py<PyAny>>,
    /// It is left out of plans.
    excluded: bool,
    /// The patches of its modules changed since.
    outdated: bool,
}

/// Locked with the GIL held, or by the link's thread, which lives across no fork; never across a call into
/// Python.
static WAITING: Mutex<Vec<Waiting>> = Mutex::new(Vec::new());

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LAST_PAUSE: Duration = Duration::from_millis(200);
/// A day: longer waits are cut.
const LONGEST: f64 = 86_400.0;

fn waiting() -> MutexGuard<'static, Vec<Waiting>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The patches to plan without, for now.
pub fn excluded() -> Vec<PatchRef> {
    waiting().iter().filter(|one| one.excluded).map(|one| one.patch.clone()).collect()
}

/// The patches that wait: with their modules and with who is in the way.
pub fn all() -> Vec<(PatchRef, Vec<String>, String)> {
    let waiting = waiting();
    let excluded = waiting.iter().filter(|one| one.excluded);
    excluded.map(|one| (one.patch.clone(), one.modules.clone(), one.holder.clone())).collect()
}

/// How long until the next attempt.
pub fn next() -> Option<Duration> {
    let next = waiting().iter().filter(|one| one.excluded).map(|one| one.next).min();
    next.map(|next| next.saturating_duration_since(Instant::now()))
}

/// The patch sets of these modules changed: what waits there is planned anew, and keeps its deadline.
pub fn forget(modules: &[String]) {
    for one in waiting().iter_mut().filter(|one| one.modules.iter().any(|name| modules.contains(name))) {
        (one.excluded, one.outdated) = (false, true);
    }
}

/// All patches leave this process.
pub fn clear(_: Python<'_>) {
    let gone = std::mem::take(&mut *waiting());
    drop(gone);
}

/// Looks whether the moment has come for those that wait. Whether plans are to be asked for.
pub fn tick(py: Python<'_>) -> bool {
    let now = Instant::now();
    let due: Vec<(PatchRef, Codes<'_>)> = {
        let waiting = waiting();
        let due = waiting.iter().filter(|one| one.excluded && one.next <= now);
        due.map(|one| (one.patch.clone(), Codes::again(py, &one.codes))).collect()
    };
    let mut ready = false;
    for (patch, codes) in due {
        let holder = held::holder(py, &codes).unwrap_or_default();
        ready |= attempted(&patch, holder);
    }
    if ready {
        records::outdate_all();
    }
    ready
}

/// Notes an attempt; whether the patch is to be planned again, or failed.
fn attempted(patch: &PatchRef, holder: Option<String>) -> bool {
    let now = Instant::now();
    let mut waiting = waiting();
    let Some(index) = waiting.iter().position(|one| one.patch == *patch) else { return false };
    let one = &mut waiting[index];
    if let Some(holder) = holder {
        one.holder = holder;
        if now < one.until {
            one.pause = (one.pause * 2).min(LAST_PAUSE);
            one.next = (now + one.pause).min(one.until);
            return false;
        }
        if !one.force {
            let gone = waiting.swap_remove(index);
            drop(waiting);
            failures::fail(&gone.patch, &refusal(&gone.holder), &gone.modules);
            return true;
        }
    }
    one.excluded = false;
    true
}

fn refusal(holder: &str) -> Refusal {
    Refusal::new(Reason::InUse, format!("process {}: {holder}", std::process::id()))
}

/// Whether a failure is one of a patch that waits: it is left out of the next plan.
pub fn is_wait(failure: &Failure) -> bool {
    failure.refusal.reason == Reason::InUse
        && waiting().iter().any(|one| one.excluded && failure.patches.contains(&one.patch.id))
}

/// Looks whether a patch that is new here, and is to wait for its moment, may be put in now. What was put in by
/// force is told, with who was in the way.
pub fn check(py: Python<'_>, prepared: &[Prepared<'_, '_>]) -> Result<Vec<(PatchRef, String)>, Failure> {
    let mut forced = Vec::new();
    for (patch, manner) in new(prepared) {
        let internal = |error: PyErr| {
            Failure::new(
                std::slice::from_ref(&patch.id),
                super::refusal(py, Reason::Internal, "looking for calls", &error),
            )
        };
        let codes = Codes::of(prepared, &patch.id).map_err(internal)?;
        let holder = held::holder(py, &codes).map_err(internal)?;
        let Some(holder) = holder else {
            settle(&patch);
            continue;
        };
        if is_over(&patch, &manner) {
            settle(&patch);
            if !manner.force {
                return Err(Failure::new(std::slice::from_ref(&patch.id), refusal(&holder)));
            }
            forced.push((patch, holder));
            continue;
        }
        let failure = Failure::new(std::slice::from_ref(&patch.id), refusal(&holder));
        let modules = prepared.iter().filter(|module| module.plan.applied.contains(&patch));
        let modules = modules.map(|module| module.plan.name.clone()).collect();
        wait(patch, &manner, modules, holder, codes);
        return Err(failure);
    }
    Ok(forced)
}

/// The patches that are new to some module here and have a manner in which they wait.
fn new(prepared: &[Prepared<'_, '_>]) -> Vec<(PatchRef, Manner)> {
    let mut found: Vec<(PatchRef, Manner)> = Vec::new();
    for module in prepared {
        for manner in module.plan.manners.iter().filter(|manner| manner.quiesce.is_some() || manner.force) {
            let patch = module.plan.applied.iter().find(|patch| patch.id == manner.patch);
            let Some(patch) = patch.filter(|patch| !records::has(&module.key, patch)) else { continue };
            if !found.iter().any(|(known, _)| known == patch) {
                found.push((patch.clone(), manner.clone()));
            }
        }
    }
    found
}

fn settle(patch: &PatchRef) {
    let mut waiting = waiting();
    let settled = waiting.iter().position(|one| one.patch == *patch).map(|index| waiting.swap_remove(index));
    drop(waiting);
    drop(settled);
}

fn patience(manner: &Manner) -> Duration {
    Duration::from_secs_f64(manner.quiesce.unwrap_or_default().clamp(0.0, LONGEST))
}

/// Whether its time is over.
fn is_over(patch: &PatchRef, manner: &Manner) -> bool {
    let now = Instant::now();
    match waiting().iter_mut().find(|one| one.patch == *patch) {
        // It was taken out in between, and comes again.
        Some(one) if one.outdated && one.until <= now => {
            one.until = now + patience(manner);
            false
        }
        Some(one) => one.until <= now,
        None => patience(manner).is_zero(),
    }
}

fn wait(patch: PatchRef, manner: &Manner, modules: Vec<String>, holder: String, codes: Codes<'_>) {
    let now = Instant::now();
    let mut waiting = waiting();
    let known = waiting.iter().position(|one| one.patch == patch).map(|index| waiting.swap_remove(index));
    let until = known.as_ref().map_or_else(|| now + patience(manner), |known| known.until);
    let pause = known.as_ref().map_or(FIRST_PAUSE, |known| known.pause);
    waiting.push(Waiting {
        patch,
        modules,
        until,
        next: (now + pause).min(until),
        pause,
        force: manner.force,
        holder,
        codes: codes.unbind(),
        excluded: true,
        outdated: false,
    });
    drop(waiting);
    drop(known);
}
