//! Reasons why patches can't be had in a module.

use crate::registry::Entry;
use patchctl_protocol::plan::Plan;
use patchctl_protocol::state::{Reason, Refusal};
use std::sync::Arc;

/// Ids of patches with the reasons why they are taken out.
pub type Refused = Vec<(String, Refusal)>;

/// A refusal that says in which module.
pub fn in_module(module: &str, refusal: &Refusal) -> Refusal {
    if refusal.detail.contains(module) {
        return refusal.clone();
    }
    Refusal::new(refusal.reason, format!("{module}: {}", refusal.detail))
}

/// Patches whose changes can't be brought into a running process.
pub fn unsupported(plan: &Plan, entries: &[Arc<Entry>]) -> Refused {
    let mut refused = Vec::new();
    for change in &plan.unsupported {
        let refusal = Refusal::new(
            Reason::UnsupportedChange,
            format!("{}: line {}: {}", change.name, change.line, change.detail),
        );
        let here = change.patches.iter().filter(|id| entries.iter().any(|entry| entry.id() == **id));
        refused.extend(here.map(|id| (id.clone(), refusal.clone())));
    }
    refused
}
