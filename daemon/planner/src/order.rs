//! The order in which patches are applied to a module, and which of them stand aside for others.

use crate::patch::Patch;
use patchctl_protocol::state::{Reason, Refusal};
use std::collections::BTreeSet;

/// Patches in the order of application (`order`, then edits after changes of the source, then id), and those that stay out, with the reason: named
/// in another's `replaces`, or with a `needs` that is not among them.
#[must_use]
pub fn order(patches: Vec<&Patch>) -> (Vec<&Patch>, Vec<(String, Refusal)>) {
    let mut out = Vec::new();
    let mut left = stand_aside(patches, &mut out);
    while let Some((index, needed)) = first_unmet(&left) {
        let patch = left.remove(index);
        let detail = format!("{} needs {needed}, which is not applied", patch.id);
        out.push((patch.id.clone(), Refusal::new(Reason::Conflict, detail)));
    }
    let rank = |patch: &&Patch| (patch.header.order, !patch.changes_source());
    left.sort_by(|a, b| (rank(a), &a.id).cmp(&(rank(b), &b.id)));
    (after_needs(left), out)
}

/// Takes out the patches that another one replaces. Of two that replace each other the later id stays.
fn stand_aside<'a>(mut patches: Vec<&'a Patch>, out: &mut Vec<(String, Refusal)>) -> Vec<&'a Patch> {
    patches.sort_by(|a, b| b.id.cmp(&a.id));
    let mut replaced: BTreeSet<&str> = BTreeSet::new();
    for patch in &patches {
        if replaced.contains(patch.id.as_str()) {
            continue;
        }
        for id in patch.header.replaces.iter().filter(|id| **id != patch.id) {
            if patches.iter().any(|other| other.id == *id) && replaced.insert(id) {
                let detail = format!("replaced by {}", patch.id);
                out.push((id.clone(), Refusal::new(Reason::Conflict, detail)));
            }
        }
    }
    let mut left = patches.clone();
    left.retain(|patch| !replaced.contains(patch.id.as_str()));
    left
}

/// The first patch that needs one which is not there.
fn first_unmet(patches: &[&Patch]) -> Option<(usize, String)> {
    patches.iter().enumerate().find_map(|(index, patch)| {
        let unmet = |id: &&String| !patches.iter().any(|other| other.id == **id);
        patch.header.needs.iter().find(unmet).map(|id| (index, id.clone()))
    })
}

/// Moves a patch behind those that it needs, keeping the order otherwise. In a ring of needs the order
/// stays as it is.
fn after_needs(patches: Vec<&Patch>) -> Vec<&Patch> {
    let mut waiting = patches;
    let mut placed: Vec<&Patch> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|patch| {
            let met = |id: &String| placed.iter().any(|other| other.id == *id) || *id == patch.id;
            patch.header.needs.iter().all(met)
        });
        placed.push(waiting.remove(ready.unwrap_or(0)));
    }
    placed
}
