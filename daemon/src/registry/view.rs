//! What the processes of one user should have: the patches that reach them, in order, and for each module
//! the digest of its patch set.

use super::Entry;
use crate::access::Access;
use patchctl_planner::{Patch, digest, order};
use patchctl_protocol::digest::Digest;
use patchctl_protocol::framing;
use patchctl_protocol::hook::{Desired, DesiredModule, ToHook};
use patchctl_protocol::state::Refusal;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The patches of one module, as places in [`View::patches`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ModuleSet {
    patches: Vec<usize>,
    digest: Digest,
}

/// One user's view.
#[derive(Debug, Default)]
pub struct View {
    /// Revision at which this view became what it is.
    pub changed_at: u64,
    /// Every patch in effect, in order of application; those that stay out have a reason.
    pub patches: Vec<(Arc<Entry>, Option<Refusal>)>,
    modules: BTreeMap<String, ModuleSet>,
    message: OnceLock<Arc<[u8]>>,
}

impl View {
    /// The view of `uid` at `revision`, compared with the one before.
    #[must_use]
    pub fn new(
        entries: &[Arc<Entry>],
        access: Access,
        uid: u32,
        revision: u64,
        before: Option<&Self>,
    ) -> Self {
        let reaching = entries.iter().filter(|entry| access.reaches(entry.owner, uid));
        let patches = ordered(reaching.filter(|entry| entry.in_effect().is_some()));
        let modules = modules(&patches);
        let changed_at = match before {
            Some(before) if before.modules == modules => before.changed_at,
            _ => revision,
        };
        Self { changed_at, patches, modules, message: OnceLock::new() }
    }

    /// Names of the modules that have patches.
    pub fn module_names(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().map(String::as_str)
    }

    /// Digest of a module's patch set; empty without patches.
    #[must_use]
    pub fn digest_of(&self, module: &str) -> Digest {
        self.modules.get(module).map(|set| set.digest.clone()).unwrap_or_default()
    }

    /// The patches of a module, in order.
    pub fn of_module(&self, module: &str) -> impl Iterator<Item = &(Arc<Entry>, Option<Refusal>)> {
        self.modules
            .get(module)
            .into_iter()
            .flat_map(|set| set.patches.iter().map(|index| &self.patches[*index]))
    }

    /// The message that tells a process its desired state, made once for all processes of the user.
    #[must_use]
    pub fn message(&self, revision: u64) -> Arc<[u8]> {
        let make = || {
            let module = |(name, set): (&String, &ModuleSet)| DesiredModule {
                name: name.clone(),
                digest: set.digest.clone(),
            };
            let desired = Desired { revision, modules: self.modules.iter().map(module).collect() };
            framing::to_line(&ToHook::Desired(desired)).unwrap_or_default().into()
        };
        Arc::clone(self.message.get_or_init(make))
    }
}

fn ordered<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> Vec<(Arc<Entry>, Option<Refusal>)> {
    let by_id: BTreeMap<&str, &Arc<Entry>> = entries.map(|entry| (entry.id(), entry)).collect();
    let patches: Vec<&Patch> =
        by_id.values().filter_map(|entry| entry.in_effect().map(Arc::as_ref)).collect();
    let replaced: Vec<&String> = patches.iter().flat_map(|patch| &patch.header.replaces).collect();
    let (ordered, refused) = order(patches.clone());
    let taken = |id: &str| by_id.get(id).map(|entry| Arc::clone(entry));
    let mut all: Vec<_> = ordered.iter().filter_map(|patch| Some((taken(&patch.id)?, None))).collect();
    // A patch that another one replaces is not missed by anybody.
    let missed = refused.into_iter().filter(|(id, _)| !replaced.contains(&id));
    all.extend(missed.filter_map(|(id, refusal)| Some((taken(&id)?, Some(refusal)))));
    all
}

fn modules(patches: &[(Arc<Entry>, Option<Refusal>)]) -> BTreeMap<String, ModuleSet> {
    let mut modules: BTreeMap<String, ModuleSet> = BTreeMap::new();
    for (index, (entry, _)) in patches.iter().enumerate() {
        for name in entry.patch.iter().flat_map(|patch| &patch.modules) {
            modules.entry(name.clone()).or_default().patches.push(index);
        }
    }
    for set in modules.values_mut() {
        let mut text = String::new();
        for (entry, refusal) in set.patches.iter().map(|index| &patches[*index]) {
            let out = if refusal.is_some() { " out" } else { "" };
            text.push_str(&format!("{} {}{out}\n", entry.id(), entry.reference.digest));
        }
        set.digest = digest(text.as_bytes());
    }
    modules
}
