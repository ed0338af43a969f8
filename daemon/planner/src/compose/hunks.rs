//! Applies the hunks of a diff.

use super::composer::Composer;
use crate::diff::{Document, FileDiff, Hunk, Kind, Misfit, Placed, place, place_reversed};
use crate::patch::{ModuleDiff, Patch};
use patchctl_protocol::state::{Reason, Refusal};

impl<'a> Composer<'a> {
    pub(super) fn apply_hunks(
        &mut self,
        patch: &'a Patch,
        part: &ModuleDiff,
    ) -> Result<Vec<String>, Refusal> {
        self.check_already(part)?;
        let mut document = self.document.clone();
        let mut notes = self.other_layout(part);
        for file in &part.files {
            let placed = self.place(&document, file, part, patch)?;
            document.edit(&placed.edits, self.applied.len());
            notes.extend(placed.notes.iter().map(|note| format!("{}: {note}", part.path)));
        }
        self.document = document;
        Ok(notes)
    }

    /// A package became a plain module, or the other way round.
    fn other_layout(&self, part: &ModuleDiff) -> Vec<String> {
        let in_diff = part.path.ends_with("__init__.py");
        if in_diff == self.is_package {
            return Vec::new();
        }
        let installed = if self.is_package { "a package" } else { "a plain module" };
        vec![format!("{}: {} is {installed} here", part.path, self.module)]
    }

    /// Refuses a patch that the text holds already: its hunks fit backwards and not forwards.
    fn check_already(&self, part: &ModuleDiff) -> Result<(), Refusal> {
        let already = match &part.new_text {
            Some(text) => text.lines().eq(self.document.bare_lines()),
            None => self.is_applied(part),
        };
        if already {
            let detail = format!("{} has every change of {} already", self.module, part.path);
            return Err(Refusal::new(Reason::AlreadyApplied, detail));
        }
        Ok(())
    }

    fn is_applied(&self, part: &ModuleDiff) -> bool {
        let lines = self.document.bare_lines();
        let forwards = |file: &FileDiff| place(&file.hunks, &lines, false).is_ok();
        let appends = |file: &FileDiff| file.hunks.iter().all(ends_in_insertion);
        let backwards = |file: &FileDiff| place_reversed(&file.hunks, &lines).is_ok();
        part.files.iter().all(|file| (appends(file) || !forwards(file)) && backwards(file))
    }

    fn place(
        &self,
        document: &Document,
        file: &FileDiff,
        part: &ModuleDiff,
        patch: &Patch,
    ) -> Result<Placed, Refusal> {
        let lines = document.bare_lines();
        place(&file.hunks, &lines, true).map_err(|misfit| {
            let owners = self.in_the_way(document, file, &misfit);
            let Misfit { detail, .. } = misfit;
            if owners.is_empty() {
                return Refusal::new(Reason::HunkConflict, format!("{}: {detail}", part.path));
            }
            let names = owners.join(", ");
            let detail = format!("{} and {names} change the same lines of {}: {detail}", patch.id, part.path);
            Refusal::new(Reason::Conflict, detail)
        })
    }

    /// The patches without which the file's hunks would fit.
    fn in_the_way(&self, document: &Document, file: &FileDiff, misfit: &Misfit) -> Vec<&'a str> {
        let alone = Document::new(self.original);
        if self.applied.is_empty() || place(&file.hunks, &alone.bare_lines(), true).is_err() {
            return Vec::new();
        }
        let (start, count) = misfit.best.unwrap_or((0, usize::MAX / 2));
        let mut owners = document.owners(start, count);
        owners.retain(|owner| *owner < self.applied.len());
        if owners.is_empty() {
            owners = (0..self.applied.len()).collect();
        }
        owners.into_iter().map(|owner| self.applied[owner].id.as_str()).collect()
    }
}

/// Whether a hunk has no context behind its last change, as where lines are added at a file's end: such a
/// hunk fits a second time behind itself.
fn ends_in_insertion(hunk: &Hunk) -> bool {
    hunk.lines.last().is_some_and(|line| line.kind == Kind::Insert)
}
