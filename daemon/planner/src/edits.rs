//! The edits of a module's patches, as they go into a plan: they apply to the code that the source-level
//! patches give.

use crate::patch::Patch;
use patchctl_protocol::edit::Edit;
use patchctl_protocol::plan::Plan;
use patchctl_protocol::state::{Reason, Refusal};

/// The edits of some patches, in order.
#[must_use]
pub fn edits(patches: &[&Patch]) -> Vec<Edit> {
    let of = |patch: &&Patch| {
        let id = patch.id.clone();
        let own = patch.edits().to_vec().into_iter();
        own.map(move |edit| Edit { patch: id.clone(), ..edit }).collect::<Vec<_>>()
    };
    patches.iter().flat_map(of).collect()
}

/// Puts the edits into a plan. Edits are made on top of all source-level changes, so a function may not be
/// changed at source level by a patch that comes after one that edits it.
///
/// # Errors
/// `conflict` with the names of both patches.
pub fn add_edits(plan: &mut Plan, patches: &[&Patch]) -> Result<(), Refusal> {
    plan.edits = edits(patches);
    let position = |id: &str| patches.iter().position(|patch| patch.id == id);
    for change in &plan.functions {
        for edit in plan.edits.iter().filter(|edit| edit.function.qualname == change.qualname) {
            let after = |id: &&String| position(id) > position(&edit.patch);
            if let Some(later) = change.patches.iter().find(after) {
                let (name, patch) = (&change.qualname, &edit.patch);
                let detail = format!(
                    "{later} changes the source of {name} after {patch} edits its code: give {patch} a larger `order`"
                );
                return Err(Refusal::new(Reason::Conflict, detail));
            }
        }
    }
    Ok(())
}
