//! What is changed in one module: data alone. The records of all modules are kept in [`super::records`].

use super::transaction::Stored;
use patchctl_protocol::digest::Digest;
use patchctl_protocol::hook::Skipped;
use patchctl_protocol::plan::{Affected, Computed, Manner, PatchRef, Stale};
use pyo3::prelude::*;
use pyo3::types::PyDict;

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
    /// The patches that the module was imported with, where it may keep what they computed.
    pub begun: Vec<PatchRef>,
    /// The functions that they had answer differently.
    pub begun_affected: Vec<Affected>,
    /// What it computed with their functions, where those are all that they change.
    pub computed: Vec<Computed>,
    /// Bodies of the module and of its classes that patches edited before they ran.
    pub bodies: Vec<Body>,
}

/// The body of a module or class that a patch edited before it ran: what it computed stays.
#[derive(Clone)]
pub struct Body {
    pub patch: PatchRef,
    pub qualname: String,
    /// Where it begins, counted from 1.
    pub line: u32,
}

/// A cache that was not cleared.
pub struct CacheRecord {
    pub cache: Py<PyAny>,
    /// Its calls (hits and misses) when the change came: they count from 0 again once somebody clears it.
    pub calls: u64,
    pub stale: Stale,
    pub patches: Vec<String>,
}

impl CacheRecord {
    /// Another handle on the same.
    pub fn again(&self, py: Python<'_>) -> Self {
        Self {
            cache: self.cache.clone_ref(py),
            calls: self.calls,
            stale: self.stale.clone(),
            patches: self.patches.clone(),
        }
    }
}
