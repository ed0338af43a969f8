//! Taking everything out: all originals back, and no records.

use super::importers::Imports;
use super::skeletons::Skeletons;
use super::transaction::Transaction;
use super::{commit, prepare, quiesce, records};
use crate::fault;
use patchctl_protocol::digest::Digest;
use patchctl_protocol::hook::{ModulePlan, Outcome};
use pyo3::prelude::*;

/// Puts all originals back and forgets all records: after a detach.
pub fn withdraw(py: Python<'_>) {
    quiesce::clear(py);
    let keys = records::keys(py);
    let all: Vec<&str> = keys.iter().map(String::as_str).collect();
    if commit::roll_back(py, &all, &mut Transaction::default()).is_err() {
        return;
    }
    for key in keys {
        let name = records::module_of(&key).to_owned();
        let nothing = ModulePlan {
            name,
            digest: Digest::default(),
            applied: Vec::new(),
            skipped: Vec::new(),
            manners: Vec::new(),
            outcome: Outcome::Unchanged,
        };
        let mut transaction = Transaction::default();
        let undone = fault::contained(|| {
            let prepared = prepare::all(py, std::slice::from_ref(&nothing), &Skeletons::default())?;
            let module = prepared.iter().find(|module| module.key == key);
            module.map(|module| commit::commit(py, module, &Imports::default(), &mut transaction)).transpose()
        });
        if undone.is_some_and(|undone| undone.is_ok_and(|undone| undone.is_some())) {
            drop(records::take(&key));
        }
    }
}
