//! The desired state as last told: which modules have patches. Read by every import.

use patchctl_protocol::digest::Digest;
use patchctl_protocol::hook::Desired;
use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, PoisonError, RwLock};

/// What is known of the desired state.
#[derive(Default)]
pub struct Known {
    pub revision: u64,
    /// Name of each module with patches, with the digest of its patch set. Names from the index file
    /// alone have an empty digest.
    pub modules: HashMap<String, Digest>,
    /// Last parts of these names: a file that is imported under a second name keeps its own.
    stems: HashSet<String>,
}

static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);

/// What is known of a module that is to be imported.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// It has patches.
    Named,
    /// It may be a second name of one with patches.
    Resembling,
    None,
}

/// See [`Interest`]: one look-up, no message.
pub fn interest(module: &str) -> Interest {
    with(|known| {
        // A name that has patches is in both.
        if !known.stems.contains(stem(module)) {
            Interest::None
        } else if known.modules.contains_key(module) {
            Interest::Named
        } else {
            Interest::Resembling
        }
    })
}

/// Whether the module has patches.
pub fn names(module: &str) -> bool {
    interest(module) == Interest::Named
}

fn stem(module: &str) -> &str {
    module.rsplit('.').next().unwrap_or(module)
}

/// Runs `look` on what is known.
pub fn with<T>(look: impl FnOnce(&Known) -> T) -> T {
    look(&KNOWN.read().unwrap_or_else(PoisonError::into_inner))
}

/// Takes over the daemon's word; returns the modules whose patch sets are others than before.
pub fn set(desired: Desired) -> Vec<String> {
    let modules: HashMap<String, Digest> =
        desired.modules.into_iter().map(|module| (module.name, module.digest)).collect();
    let before = with(|known| known.modules.clone());
    let changed = modules.iter().filter(|(name, digest)| before.get(*name) != Some(digest));
    let gone = before.keys().filter(|name| !modules.contains_key(*name));
    let others = changed.map(|(name, _)| name).chain(gone).cloned().collect();
    replace(desired.revision, modules);
    others
}

/// Takes over the names of the index file, until the daemon's own word arrives.
pub fn set_names(revision: u64, names: Vec<String>) {
    let modules = names.into_iter().map(|name| (name, Digest::default())).collect();
    replace(revision, modules);
}

fn replace(revision: u64, modules: HashMap<String, Digest>) {
    let stems = modules.keys().map(|name| stem(name).to_owned()).collect();
    *KNOWN.write().unwrap_or_else(PoisonError::into_inner) = Known { revision, modules, stems };
}
