//! What was replaced in this process, module by module: enough to put every original object back, and to
//! say what is patched. Locked only with the GIL held and never across a call into Python; records leave
//! the lock before they are dropped, since dropping may run code.

use super::caches::CacheRecord;
use super::elsewhere::{Seed, Sort};
use super::transaction::{Slot, Stored};
use patchctl_protocol::digest::Digest;
use patchctl_protocol::hook::Skipped;
use patchctl_protocol::plan::{Affected, Manner, PatchRef, Stale};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A code object in the place of another.
pub struct CodeRecord {
    pub qualname: String,
    /// `None` where the module was imported patched: there never was another one.
    pub original: Option<Py<PyAny>>,
    pub current: Py<PyAny>,
    /// A definition of the module or a class, as opposed to one within a function.
    pub outermost: bool,
    /// May rightly have no function (conditional definitions, functions made by a call).
    pub optional: bool,
    pub patches: Vec<String>,
}

/// A code object that was compiled into a module before its import, and what its file has in that place.
pub struct Unpatched {
    pub current: Py<PyAny>,
    pub original: Py<PyAny>,
    pub patches: Vec<String>,
}

impl Unpatched {
    /// Another handle on the same objects.
    pub fn again(&self, py: Python<'_>) -> Self {
        let (current, original) = (self.current.clone_ref(py), self.original.clone_ref(py));
        Self { current, original, patches: self.patches.clone() }
    }
}

/// What is changed in one module.
#[derive(Default)]
pub struct Record {
    pub namespace: Option<Py<PyDict>>,
    /// The desired digest that this is the answer to.
    pub digest: Digest,
    pub original: Digest,
    /// The text that the untouched objects come from, if that is not the original.
    pub base: Option<Digest>,
    pub target: Digest,
    pub applied: Vec<PatchRef>,
    pub skipped: Vec<Skipped>,
    /// When each patch became active: seconds since the epoch.
    pub since: Vec<(PatchRef, f64)>,
    pub codes: Vec<CodeRecord>,
    pub stored: Vec<Stored>,
    /// Names of attributes that the base itself holds changed (imported patched), with their patches.
    pub imported: Vec<(String, Vec<String>)>,
    /// Those of them that the module has only with these patches.
    pub created: Vec<(String, Vec<String>)>,
    /// What the module's own code has for functions that it was imported patched with, to be shown.
    pub unpatched: Vec<Unpatched>,
    pub stale: Vec<Stale>,
    /// What is stale in other modules because of that, when so many modules were loaded.
    pub elsewhere: Option<(usize, Vec<Stale>)>,
    /// The functions that answer differently than in the base.
    pub affected: Vec<Affected>,
    /// Patches that came after other modules may have called what they change.
    pub live: Vec<PatchRef>,
    /// How the patches are brought in, where that is said.
    pub manners: Vec<Manner>,
    /// The patches that were put in although calls were under way, with whose.
    pub forced: Vec<(PatchRef, String)>,
    /// Caches with values from before.
    pub caches: Vec<CacheRecord>,
    /// Patches that edited the body of the module or of a class before it ran.
    pub bodies: Vec<PatchRef>,
}

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

/// What is stale in other modules because of a record's module, or what it goes back to.
pub enum Elsewhere<'py> {
    Known(Vec<Stale>),
    Unknown(Bound<'py, PyDict>, Vec<Seed>),
}

/// See [`Elsewhere`]: known where it was noted with as many modules loaded.
pub fn seeds<'py>(py: Python<'py>, key: &str, loaded: usize) -> Option<Elsewhere<'py>> {
    let records = records();
    let record = records.get(key)?;
    if let Some((then, stale)) = &record.elsewhere
        && *then == loaded
    {
        return Some(Elsewhere::Known(stale.clone()));
    }
    let namespace = record.namespace.as_ref()?.bind(py).clone();
    let stays = record.stale.iter().filter(|stale| stale.because != Stale::ANNOTATION).map(|stale| Seed {
        name: stale.name.clone(),
        because: stale.because.clone(),
        sort: Sort::Stale,
        file: stale.file.clone(),
    });
    let replaced = record.stored.iter().filter(|stored| stored.before.is_some() && stored.after.is_some());
    let replaced = replaced.filter(|stored| !stored.label.is_empty() && !stored.label.contains(':'));
    let replaced = replaced.map(|stored| Seed {
        name: stored.label.clone(),
        because: stored.label.clone(),
        sort: Sort::Changed,
        file: None,
    });
    let came_live = |id: &String| record.live.iter().any(|patch| patch.id == *id);
    let affected = record.affected.iter().filter(|affected| affected.patches.iter().any(came_live));
    let called = affected.filter_map(|affected| {
        let mut made = ["__init__", "__new__", "__post_init__"].iter();
        let class = made.find_map(|maker| affected.name.strip_suffix(maker)?.strip_suffix('.'));
        let name = class.unwrap_or(&affected.name);
        let because = affected.because.clone();
        let seed = Seed { name: name.to_owned(), because, sort: Sort::Called, file: None };
        (!name.contains('.')).then_some(seed)
    });
    Some(Elsewhere::Unknown(namespace, stays.chain(replaced).chain(called).collect()))
}

/// Notes what is stale in other modules.
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
    records().get(name).map(|record| record.bodies.clone()).unwrap_or_default()
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
