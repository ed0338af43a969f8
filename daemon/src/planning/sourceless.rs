//! Plans for modules that have no source: their functions are found by name.

use super::refusals::Refused;
use crate::registry::Entry;
use patchctl_planner::{Patch, digest, plan_without_source};
use patchctl_protocol::hook::{ModuleFacts, Outcome};
use patchctl_protocol::plan::Plan;
use std::sync::Arc;

/// Whether the patches change nothing but compiled code.
pub fn only_edits(entries: &[Arc<Entry>]) -> bool {
    entries.iter().all(|entry| entry.patch.as_ref().is_some_and(|patch| !patch.changes_source()))
}

/// A module without source: Python patches act on its functions by name. From one patch set to another the
/// originals are put back first.
pub fn plan(facts: &ModuleFacts, entries: &[Arc<Entry>]) -> (Outcome, Refused) {
    if entries.is_empty() {
        let outcome = if facts.running.is_some() { Outcome::Restore } else { Outcome::Unchanged };
        return (outcome, Vec::new());
    }
    let text: String =
        entries.iter().map(|entry| format!("{} {}\n", entry.id(), entry.reference.digest)).collect();
    let target = digest(text.as_bytes());
    match &facts.running {
        Some(running) if *running == target => return (Outcome::Unchanged, Vec::new()),
        Some(_) => return (Outcome::Restore, Vec::new()),
        None => {}
    }
    let mut refused = Vec::new();
    for entry in entries {
        let alone: Vec<&Patch> = entry.patch.as_deref().into_iter().collect();
        if let Err(refusal) = plan_without_source(&facts.name, &alone) {
            refused.push((entry.id().to_owned(), refusal));
        }
    }
    if !refused.is_empty() {
        return (Outcome::Unchanged, refused);
    }
    let patches: Vec<&Patch> = entries.iter().filter_map(|entry| entry.patch.as_deref()).collect();
    match plan_without_source(&facts.name, &patches) {
        Ok(plan) => (Outcome::Plan(Box::new(Plan { target, ..plan })), Vec::new()),
        Err(refusal) => (
            Outcome::Unchanged,
            entries.iter().map(|entry| (entry.id().to_owned(), refusal.clone())).collect(),
        ),
    }
}
