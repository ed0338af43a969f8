//! The registry at one revision: never changed, shared by all who read it.

use super::{Entry, View};
use crate::access::Access;
use patchctl_protocol::plan::PatchRef;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// All patches at one revision, and what they mean for each user's processes.
#[derive(Debug)]
pub struct Snapshot {
    pub revision: u64,
    /// Patches are switched off in all processes.
    pub off: bool,
    /// Sorted by id, those that can't be read included; of two with one id the good one first.
    pub entries: Vec<Arc<Entry>>,
    access: Access,
    views: Mutex<BTreeMap<u32, Arc<View>>>,
}

impl Snapshot {
    /// The snapshot after `before`, with the views that there were made anew.
    #[must_use]
    pub fn after(
        before: Option<&Self>,
        access: Access,
        revision: u64,
        off: bool,
        entries: Vec<Arc<Entry>>,
    ) -> Self {
        let mut entries = entries;
        entries.sort_by(|a, b| (a.id(), a.patch.is_none()).cmp(&(b.id(), b.patch.is_none())));
        let snapshot = Self { revision, off, entries, access, views: Mutex::default() };
        let old = before.map(|before| before.views.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let new = old.unwrap_or_default().into_iter();
        let new = new.map(|(user, view)| (user, Arc::new(snapshot.new_view(user, Some(&view))))).collect();
        Self { views: Mutex::new(new), ..snapshot }
    }

    /// What the processes of a user should have.
    #[must_use]
    pub fn view(&self, uid: u32) -> Arc<View> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let view = views.entry(uid).or_insert_with(|| Arc::new(self.new_view(uid, None)));
        Arc::clone(view)
    }

    fn new_view(&self, uid: u32, before: Option<&View>) -> View {
        let entries = if self.off { &[] } else { self.entries.as_slice() };
        View::new(entries, self.access, uid, self.revision, before)
    }

    /// Names of all modules for which some owners have patches, sorted.
    #[must_use]
    pub fn module_names(&self, of_owner: impl Fn(u32) -> bool) -> Vec<String> {
        if self.off {
            return Vec::new();
        }
        let entries = self.entries.iter().filter(|entry| of_owner(entry.owner));
        let patches = entries.filter_map(|entry| entry.in_effect());
        let mut names: Vec<String> = patches.flat_map(|patch| patch.modules.iter().cloned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// A patch by its id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Arc<Entry>> {
        let index = self.entries.partition_point(|entry| entry.id() < id);
        self.entries.get(index).filter(|entry| entry.id() == id)
    }

    /// The shared form of a reference, so that reports of many processes take no memory of their own.
    #[must_use]
    pub fn intern(&self, reference: &PatchRef) -> Arc<PatchRef> {
        match self.find(&reference.id) {
            Some(entry) if *entry.reference == *reference => Arc::clone(&entry.reference),
            _ => Arc::new(reference.clone()),
        }
    }
}
