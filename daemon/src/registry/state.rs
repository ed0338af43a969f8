//! The registry's pure state: compares what was found in the folder with what was known, and says what
//! changed. It knows neither files nor sockets.

use super::change::Change;
use super::entry::Entry;
use super::folder::Found;
use crate::history::Known;
use patchctl_planner::Patch;
use patchctl_protocol::digest::Digest;
use patchctl_protocol::plan::PatchRef;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// All patches, by id.
#[derive(Debug, Default)]
pub struct Registry {
    entries: BTreeMap<String, Arc<Entry>>,
    /// Files whose id another file has already, with what is wrong.
    pub doubles: Vec<Arc<Entry>>,
}

/// Who added a patch and when, where the history knows it.
pub type Provenance<'a> = &'a dyn Fn(&str) -> (Option<u32>, Option<f64>);

impl Registry {
    #[must_use]
    pub fn entries(&self) -> &BTreeMap<String, Arc<Entry>> {
        &self.entries
    }

    /// Takes over what was found in the folder.
    pub fn update(&mut self, found: Vec<Found>, provenance: Provenance<'_>, now: f64) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut next = BTreeMap::new();
        let mut doubles = Vec::new();
        for one in found {
            let entry = self.entry(one, provenance, now);
            match next.get(entry.id()) {
                None => {
                    next.insert(entry.id().to_owned(), entry);
                }
                Some(other) => doubles.push(double(&entry, other)),
            }
        }
        for (id, entry) in &next {
            match self.entries.get(id) {
                None => changes.extend(first_seen(entry)),
                Some(old) => changes.extend(differences(old, entry)),
            }
        }
        let gone = self.entries.iter().filter(|(id, _)| !next.contains_key(*id));
        changes.extend(gone.map(|(_, entry)| Change::new("remove", entry)));
        changes.extend(self.new_doubles(&doubles));
        self.entries = next;
        self.doubles = doubles;
        changes
    }

    fn new_doubles(&self, doubles: &[Arc<Entry>]) -> Vec<Change> {
        let known: HashSet<&str> = self.doubles.iter().map(|entry| entry.file.as_str()).collect();
        let new = doubles.iter().filter(|entry| !known.contains(entry.file.as_str()));
        new.map(|entry| Change { detail: entry.broken.clone(), ..Change::new("broken", entry) }).collect()
    }

    /// The entry for a file, holding on to the last good version of one that can't be read any more.
    fn entry(&self, found: Found, provenance: Provenance<'_>, now: f64) -> Arc<Entry> {
        let (patch, broken) = match found.patch {
            Ok(patch) => (Some(patch), None),
            Err(fault) => (self.last_good(&found.file), Some(fault)),
        };
        let id = patch.as_ref().map_or(found.stem, |patch| patch.id.clone());
        let old = self.entries.get(&id).filter(|old| old.file == found.file || old.patch.is_some());
        let digest = patch.as_ref().map_or(found.digest, |patch| patch.digest.clone());
        let (added_by, added_at) = old.map_or_else(|| provenance(&id), |old| (old.added_by, old.added_at));
        let header_enabled = patch.as_ref().is_none_or(|patch| patch.header.enabled);
        Arc::new(Entry {
            expired: patch.as_deref().is_some_and(|patch| has_expired(patch, now)),
            reference: reference(old, id, digest),
            file: found.file,
            link: found.link,
            signed_by: found.signed_by,
            owner: found.owner,
            enabled: !found.disabled && header_enabled,
            patch,
            broken,
            added_by: added_by.or(Some(found.owner)),
            added_at: added_at.or(Some(now)),
        })
    }

    fn last_good(&self, file: &str) -> Option<Arc<Patch>> {
        self.entries.values().find(|entry| entry.file == file)?.patch.clone()
    }

    /// Lets go of the last good version of a file that can't be read any more if that does not stand either.
    pub fn let_go(&mut self, file: &str, stands: impl Fn(&Digest) -> bool) {
        let entries = self.entries.values_mut().filter(|entry| entry.file == file && entry.patch.is_some());
        for entry in entries {
            if !stands(&entry.reference.digest) {
                *entry = Arc::new(Entry { patch: None, ..Entry::clone(entry) });
            }
        }
    }

    /// Puts the last good version behind a file that was broken already when the daemon started.
    pub fn recover(&mut self, id: &str, patch: Arc<Patch>) {
        if let Some(entry) = self.entries.get(id) {
            let reference = Arc::new(PatchRef { id: id.to_owned(), digest: patch.digest.clone() });
            let entry = Entry { reference, patch: Some(patch), ..Entry::clone(entry) };
            self.entries.insert(id.to_owned(), Arc::new(entry));
        }
    }

    /// Marks the patches whose time has passed.
    pub fn expire(&mut self, now: f64) -> Vec<Change> {
        let due = |entry: &&mut Arc<Entry>| {
            !entry.expired && entry.patch.as_deref().is_some_and(|patch| has_expired(patch, now))
        };
        let mut changes = Vec::new();
        for entry in self.entries.values_mut().filter(due) {
            *entry = Arc::new(Entry { expired: true, ..Entry::clone(entry) });
            let detail = Some("its time has passed".into());
            changes.push(Change { detail, ..Change::new("expire", entry) });
        }
        changes
    }

    /// The next moment at which a patch expires, in seconds since the epoch.
    #[must_use]
    pub fn next_expiry(&self) -> Option<f64> {
        let times = self.entries.values().filter(|entry| !entry.expired).filter_map(|entry| entry.expires());
        times.min_by(f64::total_cmp)
    }
}

/// What the folder's first scan shows to be different from what the history says last.
#[must_use]
pub fn since_last_run(registry: &Registry, known: &HashMap<String, Known>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (id, entry) in registry.entries() {
        let Some(old) = known.get(id) else {
            changes.extend(first_seen(entry));
            continue;
        };
        if entry.broken.is_none() && entry.reference.digest != old.digest {
            changes.push(Change::new("change", entry));
        }
        if entry.enabled != old.enabled {
            changes.push(Change::new(if entry.enabled { "enable" } else { "disable" }, entry));
        }
    }
    changes
}

fn has_expired(patch: &Patch, now: f64) -> bool {
    patch.header.expires.is_some_and(|time| time <= now)
}

/// One allocation for each patch at each content, as many reports refer to it.
fn reference(old: Option<&Arc<Entry>>, id: String, digest: Digest) -> Arc<PatchRef> {
    match old {
        Some(old) if old.reference.digest == digest => Arc::clone(&old.reference),
        _ => Arc::new(PatchRef { id, digest }),
    }
}

fn first_seen(entry: &Arc<Entry>) -> Vec<Change> {
    let mut changes = Vec::new();
    if entry.patch.is_some() {
        changes.push(Change::new("add", entry));
        if !entry.enabled {
            changes.push(Change::new("disable", entry));
        }
    }
    if entry.broken.is_some() {
        changes.push(Change { detail: entry.broken.clone(), ..Change::new("broken", entry) });
    }
    changes
}

fn differences(old: &Arc<Entry>, new: &Arc<Entry>) -> Vec<Change> {
    if old.patch.is_none() && new.patch.is_some() {
        return first_seen(new);
    }
    let mut changes = Vec::new();
    if new.broken.is_some() && new.broken != old.broken {
        changes.push(Change { detail: new.broken.clone(), ..Change::new("broken", new) });
    }
    let mended = new.broken.is_none() && old.broken.is_some();
    if new.reference.digest != old.reference.digest || mended || new.owner != old.owner {
        changes.push(Change::new("change", new));
    }
    if new.enabled != old.enabled {
        changes.push(Change::new(if new.enabled { "enable" } else { "disable" }, new));
    }
    changes
}

fn double(entry: &Arc<Entry>, other: &Entry) -> Arc<Entry> {
    let fault = format!("{}: its id {} is that of {} already", entry.file, entry.id(), other.file);
    Arc::new(Entry { broken: Some(fault), patch: None, enabled: false, ..Entry::clone(entry) })
}
