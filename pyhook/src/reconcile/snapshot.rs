//! The content of records, taken out of their lock, and what is seen of it.

use super::record::{Body, CacheRecord, CodeRecord, Record};
use super::records;
use super::slot::Slot;
use super::transaction::Stored;
use crate::desired;
use patchctl_protocol::hook::{FunctionReport, Skipped};
use patchctl_protocol::plan::{PatchRef, Stale};
use patchctl_protocol::state::State;
use pyo3::prelude::*;
use std::collections::HashMap;

/// A record's content, taken out of the lock.
pub struct Snapshot {
    pub since: Vec<(PatchRef, f64)>,
    pub skipped: Vec<Skipped>,
    pub codes: Vec<Code>,
    pub stored: Vec<Value>,
    pub imported: Vec<(String, Vec<String>)>,
    pub stale: Vec<Stale>,
    pub caches: Vec<CacheRecord>,
    pub forced: Vec<(PatchRef, String)>,
    /// Bodies that were edited by patches which are gone.
    pub bodies: Vec<Body>,
    /// Patches that are gone, of which something may stay behind.
    pub left: Vec<PatchRef>,
}

/// See [`CodeRecord`].
pub struct Code {
    pub qualname: String,
    pub original: Option<Py<PyAny>>,
    pub current: Py<PyAny>,
    pub outermost: bool,
    pub optional: bool,
    pub patches: Vec<String>,
}

/// A store that reports name.
pub struct Value {
    pub label: String,
    pub slot: Slot,
    pub after: Option<Py<PyAny>>,
    pub patches: Vec<String>,
}

/// Those of the modules that have patches, or had.
pub fn snapshots(py: Python<'_>) -> Vec<(String, Snapshot)> {
    let mut found = Vec::new();
    records::each(py, |name, record| {
        let is_changed = !record.applied.is_empty() || !record.bodies.is_empty() || !left(record).is_empty();
        if is_changed || desired::names(records::module_of(name)) {
            found.push((name.to_owned(), snapshot(py, record)));
        }
    });
    found
}

fn snapshot(py: Python<'_>, record: &Record) -> Snapshot {
    let code = |code: &CodeRecord| Code {
        qualname: code.qualname.clone(),
        original: code.original.as_ref().map(|original| original.clone_ref(py)),
        current: code.current.clone_ref(py),
        outermost: code.outermost,
        optional: code.optional,
        patches: code.patches.clone(),
    };
    // Of several stores into one place the last one counts.
    let place = |stored: &Stored| (stored.label.clone(), stored.slot.address());
    let last: HashMap<_, usize> =
        record.stored.iter().enumerate().map(|(index, stored)| (place(stored), index)).collect();
    let is_last = |(index, stored): &(usize, &Stored)| {
        !stored.label.is_empty() && last.get(&place(stored)) == Some(index)
    };
    let labelled = record.stored.iter().enumerate().filter(is_last).map(|(_, stored)| stored);
    let bodies = record.bodies.iter().filter(|body| !record.applied.contains(&body.patch));
    Snapshot {
        since: record.since.clone(),
        skipped: record.skipped.clone(),
        codes: record.codes.iter().map(code).collect(),
        stored: labelled
            .map(|stored| Value {
                label: stored.label.clone(),
                slot: stored.slot.again(py),
                after: stored.after.as_ref().map(|after| after.clone_ref(py)),
                patches: stored.patches.clone(),
            })
            .collect(),
        imported: record.imported.clone(),
        stale: record.stale.clone(),
        forced: record.forced.clone(),
        bodies: bodies.cloned().collect(),
        left: left(record),
        caches: record.caches.iter().map(|cache| cache.again(py)).collect(),
    }
}

/// The patches that a module was imported with and has no more.
fn left(record: &Record) -> Vec<PatchRef> {
    let gone = |patch: &&PatchRef| !record.applied.iter().any(|applied| applied.id == patch.id);
    record.begun.iter().filter(gone).cloned().collect()
}

/// One attribute or function of a module, with the patches that changed it.
pub struct Seen {
    pub report: FunctionReport,
    pub patches: Vec<String>,
}

/// What is so.
pub fn seen(name: String, state: State, holders: usize) -> FunctionReport {
    let holders = u32::try_from(holders).unwrap_or(u32::MAX);
    FunctionReport { name, state, holders, detail: String::new() }
}
