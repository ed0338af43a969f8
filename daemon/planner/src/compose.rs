//! The target text of a module: its original with patches applied in order.

use crate::diff::{Document, FileDiff, Misfit, Owner, Placed, place, place_reversed};
use crate::patch::{Body, ModuleDiff, Patch};
use patchctl_protocol::state::{Reason, Refusal};

/// A module's target text and how it came about.
#[derive(Clone, Debug, Default)]
pub struct Composed {
    pub text: String,
    /// Ids of the patches that are in the text, in order.
    pub applied: Vec<String>,
    /// Ids of the patches that are not, and why.
    pub skipped: Vec<(String, Refusal)>,
    /// Things to know that are no error: hunks placed elsewhere than they say, or with fuzz.
    pub notes: Vec<String>,
    /// Which patch changed which lines.
    pub contributions: Vec<Contribution>,
}

/// Lines of the target text that a patch changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    pub patch: String,
    /// First line, counted from 1, in the target text.
    pub line: u32,
    /// How many lines; 0 where lines were only taken out, between `line - 1` and `line`.
    pub count: u32,
}

/// Applies patches, in the order given, to a module's source. A patch that does not fit is left out with
/// its reason; the others go on.
#[must_use]
pub fn compose(module: &str, is_package: bool, original: &str, patches: &[&Patch]) -> Composed {
    let mut composer =
        Composer { module, is_package, original, document: Document::new(original), applied: Vec::new() };
    let mut composed = Composed::default();
    for patch in patches {
        match composer.apply(patch) {
            Ok(notes) => {
                composer.applied.push(patch);
                composed.notes.extend(notes);
            }
            Err(refusal) => composed.skipped.push((patch.id.clone(), refusal)),
        }
    }
    composed.text = composer.document.text();
    composed.contributions = composer.contributions();
    composed.applied = composer.applied.iter().map(|patch| patch.id.clone()).collect();
    composed
}

struct Composer<'a> {
    module: &'a str,
    is_package: bool,
    original: &'a str,
    document: Document,
    applied: Vec<&'a Patch>,
}

impl<'a> Composer<'a> {
    /// Applies one patch wholly or not at all.
    fn apply(&mut self, patch: &'a Patch) -> Result<Vec<String>, Refusal> {
        let owner = self.applied.len();
        match &patch.body {
            Body::Diff(modules) => {
                let Some(part) = modules.iter().find(|part| part.module == self.module) else {
                    return Ok(Vec::new());
                };
                self.check_already(part)?;
                let mut document = self.document.clone();
                let mut notes = Vec::new();
                for file in &part.files {
                    let placed = self.place(&document, file, part, patch)?;
                    document.edit(&placed.edits, owner);
                    notes.extend(placed.notes.iter().map(|note| format!("{}: {note}", part.path)));
                }
                self.document = document;
                Ok(notes)
            }
            Body::Python(_) => Ok(Vec::new()),
        }
    }

    /// Refuses a patch that the text holds already: its hunks fit backwards and not forwards.
    fn check_already(&self, part: &ModuleDiff) -> Result<(), Refusal> {
        let lines = self.document.bare_lines();
        let forwards = |file: &FileDiff| place(&file.hunks, &lines, false).is_ok();
        let backwards = |file: &FileDiff| place_reversed(&file.hunks, &lines).is_ok();
        let appends = |file: &FileDiff| file.hunks.iter().all(ends_in_insertion);
        let same_text = part.new_text.as_deref().is_some_and(|text| text == self.original);
        let reversed = || part.files.iter().all(|file| backwards(file) && (appends(file) || !forwards(file)));
        if same_text || part.new_text.is_none() && reversed() {
            let detail = format!("{} has every change of {} already", self.module, part.path);
            return Err(Refusal::new(Reason::AlreadyApplied, detail));
        }
        Ok(())
    }

    fn place(
        &self,
        document: &Document,
        file: &FileDiff,
        part: &ModuleDiff,
        patch: &Patch,
    ) -> Result<Placed, Refusal> {
        place(&file.hunks, &document.bare_lines(), true).map_err(|misfit| {
            let owners = self.in_the_way(document, file, &misfit);
            if owners.is_empty() {
                let detail = format!("{}: {}", part.path, misfit.detail);
                return Refusal::new(Reason::HunkConflict, detail);
            }
            let names = owners.join(", ");
            let detail =
                format!("{} and {names} change the same lines of {}: {}", patch.id, part.path, misfit.detail);
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

    fn contributions(&self) -> Vec<Contribution> {
        let contribution = |(owner, start, count): (Owner, usize, usize)| Contribution {
            patch: self.applied[owner].id.clone(),
            line: u32::try_from(start + 1).unwrap_or(u32::MAX),
            count: u32::try_from(count).unwrap_or(u32::MAX),
        };
        self.document.runs().into_iter().map(contribution).collect()
    }
}

/// Whether a hunk has no context behind its last change, as where lines are added at a file's end: such a
/// hunk fits a second time behind itself.
fn ends_in_insertion(hunk: &crate::diff::Hunk) -> bool {
    hunk.lines.last().is_some_and(|line| line.kind == crate::diff::Kind::Insert)
}
