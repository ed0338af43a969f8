//! Which patches a process gets: guards, what its hook excluded, and all or nothing over the modules of
//! one patch.

use super::asker::Asker;
use super::distributions::Distributions;
use super::locate;
use super::planner::Work;
use crate::process::now;
use crate::registry::{Entry, View};
use patchctl_planner::{Environment, Patch};
use patchctl_protocol::hook::{ModuleFacts, Skipped};
use patchctl_protocol::plan::PatchRef;
use patchctl_protocol::state::{Refusal, State};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The choice for one request. Patches are only ever taken out of it.
pub struct Selection<'a> {
    view: &'a View,
    asker: &'a Asker,
    distributions: &'a Distributions,
    excluded: &'a [PatchRef],
    /// Where installed distributions are looked for, in order.
    folders: Vec<PathBuf>,
    refused: RefCell<BTreeMap<String, Refusal>>,
    /// Patches whose guards hold.
    passed: RefCell<Vec<String>>,
}

impl<'a> Selection<'a> {
    #[must_use]
    pub fn new(
        view: &'a View,
        asker: &'a Asker,
        distributions: &'a Distributions,
        excluded: &'a [PatchRef],
    ) -> Self {
        let folders = asker.folders.clone();
        let (refused, passed) = (RefCell::default(), RefCell::default());
        Self { view, asker, distributions, excluded, folders, refused, passed }
    }

    /// Looks for distributions also beside the modules themselves, wherever a process has them from.
    #[must_use]
    pub fn beside(mut self, works: &[Work]) -> Self {
        for ModuleFacts { name, origin, .. } in works.iter().map(|work| &work.facts) {
            let root = origin.as_ref().and_then(|origin| locate::root(name, Path::new(origin)));
            if let Some(root) = root.filter(|root| !self.folders.iter().any(|folder| folder == root)) {
                self.folders.push(root.to_owned());
            }
        }
        self
    }

    /// The patches that a module gets, in order.
    #[must_use]
    pub fn of_module(&self, module: &str) -> Vec<Arc<Entry>> {
        let chosen = self.view.of_module(module).filter(|(entry, refusal)| match refusal {
            Some(refusal) => {
                self.refuse(entry.id(), refusal.clone());
                false
            }
            None => !self.is_excluded(entry) && self.passes(entry),
        });
        chosen.map(|(entry, _)| Arc::clone(entry)).collect()
    }

    /// Takes a patch out, in all modules. Returns whether that is new.
    pub fn refuse(&self, id: &str, refusal: Refusal) -> bool {
        let mut refused = self.refused.borrow_mut();
        let new = !refused.contains_key(id);
        if new {
            refused.insert(id.to_owned(), refusal);
        }
        new
    }

    /// The patches of a module that were taken out, with their reasons.
    #[must_use]
    pub fn skipped(&self, module: &str) -> Vec<Skipped> {
        let refused = self.refused.borrow();
        let skipped = self.view.of_module(module).filter_map(|(entry, _)| {
            let refusal = refused.get(entry.id())?.clone();
            Some(Skipped { patch: PatchRef::clone(&entry.reference), state: State::Skipped, refusal })
        });
        skipped.collect()
    }

    fn is_excluded(&self, entry: &Entry) -> bool {
        self.excluded.iter().any(|excluded| *excluded == *entry.reference)
    }

    fn passes(&self, entry: &Entry) -> bool {
        if self.refused.borrow().contains_key(entry.id()) {
            return false;
        }
        if self.passed.borrow().iter().any(|id| id == entry.id()) {
            return true;
        }
        let Some(patch) = entry.in_effect() else { return false };
        match self.guard(patch) {
            Ok(()) => {
                self.passed.borrow_mut().push(entry.id().to_owned());
                true
            }
            Err(refusal) => {
                self.refuse(entry.id(), refusal);
                false
            }
        }
    }

    fn guard(&self, patch: &Patch) -> Result<(), Refusal> {
        let version_of = |name: &str| self.distributions.version_of(name, &self.folders);
        patch.guard(&Environment {
            python: &self.asker.hello.python,
            command: &self.asker.process.command,
            user: &self.asker.user,
            uid: self.asker.process.uid,
            prefix: &self.asker.hello.prefix,
            executable: &self.asker.hello.executable,
            now: now(),
            version_of: &version_of,
        })
    }
}
