//! What is true of patched modules, read from the live functions and namespaces.

use super::frames::{self, Running};
use super::holders::{Functions, Holder};
use super::snapshot::{Code, Seen, Snapshot, seen};
use super::{interfaces, records, script};
use crate::modules;
use patchctl_protocol::hook::FunctionReport;
use patchctl_protocol::state::State;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::HashMap;

/// What is looked for once for all modules: their functions, and the frames that run.
pub struct Sight<'py> {
    namespaces: HashMap<String, Bound<'py, PyDict>>,
    functions: Functions<'py>,
    running: Vec<Running<'py>>,
}

impl<'py> Sight<'py> {
    /// All that observing these modules needs.
    pub fn of(py: Python<'py>, snapshots: &[(String, Snapshot)]) -> PyResult<Self> {
        let mut namespaces = HashMap::new();
        for (key, _) in snapshots {
            namespaces.extend(modules::instances(py, records::module_of(key)));
        }
        let mut running = frames::running(py)?;
        let codes = snapshots.iter().flat_map(|(_, snapshot)| &snapshot.codes);
        let originals = codes.filter_map(|code| code.original.as_ref());
        let originals: Vec<_> = originals.map(|code| code.bind(py).clone()).collect();
        running.extend(frames::suspended(py, &originals)?);
        let slots = || snapshots.iter().flat_map(|(_, snapshot)| &snapshot.stored).map(|value| &value.slot);
        let held = |namespace: &Bound<'py, PyDict>| {
            1 + slots().filter(|slot| slot.address() == namespace.as_ptr() as usize).count()
        };
        let all: Vec<_> = namespaces.values().map(|namespace| (namespace, held(namespace))).collect();
        let functions = Functions::of(py, &all)?;
        Ok(Self { functions, namespaces, running })
    }

    /// What one module's functions and values are.
    pub fn observe(&self, py: Python<'py>, key: &str, snapshot: &Snapshot) -> PyResult<Vec<Seen>> {
        let namespace = self.namespaces.get(key);
        let functions = namespace.map_or(&[][..], |namespace| self.functions.get(namespace));
        let line = namespace.and_then(|namespace| script::body_line(py, namespace));
        let mut all = observed(py, snapshot, (functions, line), &self.running)?;
        if let Some(namespace) = namespace {
            let nowhere = |one: &Seen| interfaces::is_within(namespace, &one.report.name);
            all.retain(|one| one.report.state != State::Drifted || !nowhere(one));
        }
        Ok(all)
    }
}

fn observed(
    py: Python<'_>,
    snapshot: &Snapshot,
    (functions, line): (&[Holder<'_>], Option<u32>),
    running: &[Running<'_>],
) -> PyResult<Vec<Seen>> {
    let mut all = Vec::new();
    for code in snapshot.codes.iter().filter(|code| code.outermost) {
        let mut state = observe_code(py, code, snapshot, functions, running);
        if let (Some(report), Some(line)) = (&mut state, line)
            && report.state == State::Drifted
            && is_after(py, code, line)
        {
            report.state = State::Waiting;
            report.detail = format!("the script is at line {line}, before this");
        }
        all.extend(state.map(|report| Seen { report, patches: code.patches.clone() }));
    }
    for value in &snapshot.stored {
        let now = value.slot.read(py)?;
        let same = match (&now, &value.after) {
            (Some(now), Some(after)) => now.is(after.bind(py)),
            (None, None) => true,
            _ => false,
        };
        if !same && records::is_covered(py, &value.slot, value.after.as_ref()) {
            continue;
        }
        let state = if same { State::Active } else { State::Drifted };
        let mut report = seen(value.label.clone(), state, 0);
        if !same {
            "bound to another object since".clone_into(&mut report.detail);
        }
        all.push(Seen { report, patches: value.patches.clone() });
    }
    let imported = snapshot.imported.iter().cloned();
    all.extend(imported.map(|(name, patches)| Seen { report: seen(name, State::Active, 0), patches }));
    Ok(all)
}

/// Whether the code's definition comes after a line of its script.
fn is_after(py: Python<'_>, code: &Code, line: u32) -> bool {
    // The body runs with the lines of its own file, unless it was compiled as a whole.
    let code = code.original.as_ref().unwrap_or(&code.current).bind(py);
    let first = code.getattr("co_firstlineno").and_then(|first| first.extract::<u32>());
    first.is_ok_and(|first| first >= line)
}

/// What one function is; `None` for a conditional definition that does not exist here.
fn observe_code(
    py: Python<'_>,
    code: &Code,
    snapshot: &Snapshot,
    functions: &[Holder<'_>],
    running: &[Running<'_>],
) -> Option<FunctionReport> {
    let current = functions.iter().filter(|holder| holder.code.is(code.current.bind(py))).count();
    if current == 0 {
        // Several functions may be made from one definition; it is enough that one of them lives.
        let lives = |other: &Code| {
            let current = other.current.bind(py);
            other.qualname == code.qualname && functions.iter().any(|holder| holder.code.is(current))
        };
        if code.optional || snapshot.codes.iter().any(lives) {
            return None;
        }
        let mut report = seen(code.qualname.clone(), State::Drifted, 0);
        "no function runs the patched code any more".clone_into(&mut report.detail);
        return Some(report);
    }
    let mut report = seen(code.qualname.clone(), State::Active, current);
    // Old code of inner functions counts for the function that they stand in.
    let inner = format!("{}.<locals>.", code.qualname);
    let own = |other: &&Code| other.qualname == code.qualname || other.qualname.starts_with(&inner);
    let old: Vec<_> = snapshot.codes.iter().filter(own).filter_map(|code| code.original.as_ref()).collect();
    if let Some(frame) = running.iter().find(|frame| old.iter().any(|old| frame.code.is(old.bind(py)))) {
        report.state = State::Draining;
        report.detail = format!("old code runs in {} at line {}", frame.holder, frame.line);
    }
    Some(report)
}
