//! The records of all modules: what was replaced in this process, enough to put every original object back,
//! and to say what is patched. Locked only with the GIL held and never across a call into Python; records leave
//! the lock before they are dropped, since dropping may run code.

use super::record::{CacheRecord, Record};
use super::slot::Slot;
use super::transaction::Stored;
use patchctl_protocol::digest::Digest;
use patchctl_protocol::plan::{PatchRef, Stale};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the search for outdated modules needs of a record.
pub struct Summary {
    pub digest: Digest,
    pub original: Digest,
    pub base: Option<Digest>,
    /// Nothing is changed in the module: it needs no plan to go.
    pub is_untouched: bool,
}

static RECORDS: Mutex<BTreeMap<String, Record>> = Mutex::new(BTreeMap::new());

fn records() -> MutexGuard<'static, BTreeMap<String, Record>> {
    RECORDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keys of all records, see [`crate::modules::instances`].
pub fn keys(_: Python<'_>) -> Vec<String> {
    records().keys().cloned().collect()
}

/// The name under which patches know the module of a record.
#[must_use]
pub fn module_of(key: &str) -> &str {
    key.split(' ').next().unwrap_or(key)
}

/// See [`Summary`]; `None` if the record is of another namespace (the module was replaced).
pub fn summary(py: Python<'_>, name: &str, namespace: &Bound<'_, PyDict>) -> Option<Summary> {
    let records = records();
    let record = records.get(name)?;
    if record.namespace.as_ref().is_some_and(|own| !own.bind(py).is(namespace)) {
        return None;
    }
    Some(Summary {
        digest: record.digest.clone(),
        original: record.original.clone(),
        base: record.base.clone(),
        is_untouched: record.applied.is_empty() && record.base.is_none(),
    })
}

/// Takes a record out.
pub fn take(name: &str) -> Option<Record> {
    records().remove(name)
}

/// Puts a record in; the caller drops the old one.
#[must_use]
pub fn put(name: &str, record: Record) -> Option<Record> {
    records().insert(name.to_owned(), record)
}

/// Runs `look` on each record. It must not call into Python.
pub fn each(_: Python<'_>, mut look: impl FnMut(&str, &Record)) {
    for (name, record) in records().iter() {
        look(name, record);
    }
}

/// Runs `look` on one record. It must not call into Python.
pub fn with<T>(_: Python<'_>, key: &str, look: impl FnOnce(&Record) -> Option<T>) -> Option<T> {
    look(records().get(key)?)
}

/// How many references to a namespace the records own.
#[must_use]
pub fn references(_: Python<'_>, namespace: &Bound<'_, PyDict>) -> usize {
    let own = namespace.as_ptr() as usize;
    let of_record = |record: &Record| {
        let itself = record.namespace.iter().filter(|namespace| namespace.as_ptr() as usize == own).count();
        let slots = record.stored.iter().filter(|stored| stored.slot.address() == own).count();
        itself + slots
    };
    records().values().map(of_record).sum()
}

/// Notes what is stale in other modules, when so many were loaded.
pub fn note_elsewhere(_: Python<'_>, key: &str, loaded: usize, stale: Vec<Stale>) {
    if let Some(record) = records().get_mut(key) {
        record.elsewhere = Some((loaded, stale));
    }
}

/// Forgets caches that are no longer stale; the caller drops them.
#[must_use]
pub fn forget_caches(_: Python<'_>, key: &str, settled: &[usize]) -> Vec<CacheRecord> {
    let mut records = records();
    let Some(record) = records.get_mut(key) else { return Vec::new() };
    let all = std::mem::take(&mut record.caches);
    let (gone, kept) = all.into_iter().partition(|cache| settled.contains(&(cache.cache.as_ptr() as usize)));
    record.caches = kept;
    gone
}

/// Whether the module has this patch.
pub fn has(key: &str, patch: &PatchRef) -> bool {
    records().get(key).is_some_and(|record| record.applied.contains(patch))
}

/// Makes these modules outdated: a patch set that came, went and came again was planned without its failures.
pub fn outdate_modules(names: &[String]) {
    for (_, record) in records().iter_mut().filter(|(key, _)| names.iter().any(|name| name == module_of(key)))
    {
        record.digest = Digest::default();
    }
}

/// Makes all modules outdated.
pub fn outdate_all() {
    for record in records().values_mut() {
        record.digest = Digest::default();
    }
}

/// Whether some module has this patch.
pub fn has_applied(patch: &PatchRef) -> bool {
    records().values().any(|record| record.applied.contains(patch))
}

/// The patches that a module runs, under whichever of its names.
pub fn applied(name: &str) -> Vec<PatchRef> {
    let records = records();
    let own = records.iter().filter(|(key, _)| module_of(key) == name);
    own.flat_map(|(_, record)| record.applied.clone()).collect()
}

/// Patches whose edits of bodies a module was imported with.
pub fn bodies(name: &str) -> Vec<PatchRef> {
    let records = records();
    let bodies = records.get(name).into_iter().flat_map(|record| &record.bodies);
    bodies.map(|body| body.patch.clone()).collect()
}

/// Makes the modules that have this patch outdated.
pub fn outdate(patch: &PatchRef) {
    for record in records().values_mut().filter(|record| record.applied.contains(patch)) {
        record.digest = Digest::default();
    }
}

/// What a code object took the place of in this module (`None`: there never was another one), with the
/// patches that put it there; nothing if it took no other's place.
pub fn replaced(
    py: Python<'_>,
    name: &str,
    code: &Bound<'_, PyAny>,
) -> Option<(Option<Py<PyAny>>, Vec<String>)> {
    let records = records();
    let record = records.get(name)?;
    if let Some(found) = record.unpatched.iter().find(|known| known.current.is(code)) {
        return Some((Some(found.original.clone_ref(py)), found.patches.clone()));
    }
    let found = record.codes.iter().find(|known| known.current.is(code))?;
    let original = found.original.as_ref().map(|original| original.clone_ref(py));
    Some((original, found.patches.clone()))
}

/// The patches without which this module would not have a name, or the class that it is of.
pub fn creators(name: &str, qualname: &str) -> Option<Vec<String>> {
    let records = records();
    let record = records.get(name)?;
    let is_in = |label: &str| {
        let rest = qualname.strip_prefix(label).filter(|_| !label.is_empty());
        label == "<module>" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let stored = record.stored.iter().filter(|stored| stored.before.is_none() && stored.after.is_some());
    let stored = stored.map(|stored| (&stored.label, &stored.patches));
    let created = record.created.iter().map(|(label, patches)| (label, patches));
    let found = stored.chain(created).find(|(label, _)| is_in(label));
    found.map(|(_, patches)| patches.clone())
}

/// What a name was bound to before the stores of this module's record, if it has one for that name: `container`
/// is the namespace or the class.
pub fn before<'py>(
    key: &str,
    container: &Bound<'py, PyAny>,
    name: &str,
) -> Option<Option<Bound<'py, PyAny>>> {
    let py = container.py();
    let records = records();
    let stored = records.get(key)?.stored.iter().find(|stored| stored.slot.is_of(py, container, name))?;
    Some(stored.before.as_ref().map(|value| value.bind(py).clone()))
}

/// The namespaces of some modules, as far as they have records.
pub fn namespaces<'py>(py: Python<'py>, keys: &[&str]) -> Vec<Bound<'py, PyDict>> {
    let records = records();
    let own = keys.iter().filter_map(|key| records.get(*key)?.namespace.as_ref());
    own.map(|namespace| namespace.bind(py).clone()).collect()
}

/// The stores of some modules' records, the last one first.
pub fn stored(py: Python<'_>, keys: &[&str]) -> Vec<Stored> {
    let records = records();
    let own = keys.iter().filter_map(|key| records.get(*key)).flat_map(|record| &record.stored);
    let mut all: Vec<Stored> = own.map(|stored| stored.again(py)).collect();
    drop(records);
    all.sort_by_key(|stored| std::cmp::Reverse(stored.number));
    all
}

/// Whether another store lies upon one of these modules' (see [`Stored::lies_upon`]).
pub fn is_covered(py: Python<'_>, slot: &Slot, after: Option<&Py<PyAny>>) -> bool {
    let upon = |stored: &Stored| {
        stored.before.as_ref().map(Py::as_ptr) == after.map(Py::as_ptr) && stored.slot.is_same(py, slot)
    };
    records().values().any(|record| record.stored.iter().any(upon))
}

/// Has what other modules' records put back be what was there before the stores of these modules, which are gone:
/// where theirs lie upon those. The caller drops what is answered.
#[must_use]
pub fn uncover(py: Python<'_>, keys: &[&str]) -> Vec<Option<Py<PyAny>>> {
    let gone = stored(py, keys);
    let mut records = records();
    let others = records.iter_mut().filter(|(key, _)| !keys.contains(&key.as_str()));
    let mut replaced = Vec::new();
    for upper in others.flat_map(|(_, record)| &mut record.stored) {
        // The last one first: each in turn may lie upon another.
        for lower in &gone {
            if upper.lies_upon(py, lower) {
                let before = lower.before.as_ref().map(|before| before.clone_ref(py));
                replaced.push(std::mem::replace(&mut upper.before, before));
            }
        }
    }
    drop(records);
    replaced
}

/// The addresses of what this module's record keeps of names that were taken out of it.
pub fn deleted(name: &str) -> Vec<usize> {
    let records = records();
    let stored = records.get(name).into_iter().flat_map(|record| &record.stored);
    let gone = stored.filter(|stored| stored.after.is_none()).filter_map(|stored| stored.before.as_ref());
    gone.map(|value| value.as_ptr() as usize).collect()
}

/// The original of each code object that took another's place in this module, by the address of the
/// code object that runs now.
pub fn originals(py: Python<'_>, name: &str) -> std::collections::HashMap<usize, Py<PyAny>> {
    let records = records();
    let codes = records.get(name).map(|record| &record.codes);
    codes
        .into_iter()
        .flatten()
        .filter_map(|code| Some((code.current.as_ptr() as usize, code.original.as_ref()?.clone_ref(py))))
        .collect()
}
