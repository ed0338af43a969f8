//! Applies Python patches.

use super::composer::Composer;
use crate::diff::{LineEdit, Owner};
use crate::mirror::splice;
use crate::patch::Patch;
use crate::source::{Source, same_body};
use patchctl_protocol::state::{Reason, Refusal};

impl<'a> Composer<'a> {
    pub(super) fn apply_mirror(&mut self, patch: &'a Patch, mirror: &str) -> Result<Vec<String>, Refusal> {
        let text = self.document.text();
        let target = Source::parse(&text, &format!("source of {}", self.module))?;
        let mirror = Source::parse(mirror, &patch.id)?;
        let spliced = splice(&target, &mirror);
        if let Some(line) = changed_twice(&spliced.edits) {
            let detail =
                format!("{} defines what stands in line {} of {} twice", patch.id, line + 1, self.module);
            return Err(Refusal::new(Reason::SyntaxError, detail));
        }
        self.check_replaced(patch, &spliced.edits)?;
        let mut document = self.document.clone();
        document.edit(&spliced.edits, self.applied.len());
        let new_text = document.text();
        let new = Source::parse(&new_text, &format!("{} with {}", self.module, patch.id))?;
        if same_body(target.body(), new.body()) {
            let detail = format!("{} has every definition of {} already", self.module, patch.id);
            return Err(Refusal::new(Reason::AlreadyApplied, detail));
        }
        self.document = document;
        Ok(spliced.notes)
    }

    /// A definition replaces the whole of an older one: what another patch changed there would be lost, so
    /// that is a conflict, unless this patch was made against that one.
    fn check_replaced(&self, patch: &Patch, edits: &[LineEdit]) -> Result<(), Refusal> {
        let owners = edits.iter().flat_map(|edit| self.document.owners(edit.start, edit.removed));
        let id = |owner: Owner| self.applied[owner].id.as_str();
        let mut others: Vec<&str> = owners.map(id).collect();
        others.retain(|id| !patch.header.needs.iter().any(|needed| needed == id));
        others.sort_unstable();
        others.dedup();
        if others.is_empty() {
            return Ok(());
        }
        let names = others.join(", ");
        let detail = format!("{} and {names} change the same definition in {}", patch.id, self.module);
        Err(Refusal::new(Reason::Conflict, detail))
    }
}

/// Index of the first line that two edits replace.
fn changed_twice(edits: &[LineEdit]) -> Option<usize> {
    let overlap = |pair: &&[LineEdit]| pair[0].start + pair[0].removed > pair[1].start;
    edits.windows(2).find(overlap).map(|pair| pair[1].start)
}
