//! Applies patches one after the other, each wholly or not at all.

use crate::diff::{Document, Owner};
use crate::patch::{Body, Patch};
use crate::source::Source;
use crate::stack::with_deep_stack;
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

/// Applies patches, in the order given, to a module's source. A patch that does not fit, or after which the
/// text is no longer Python, is left out with its reason; the others go on. (Where there is just one diff, the
/// planner finds out whether its result is Python.)
#[must_use]
pub fn compose(module: &str, is_package: bool, original: &str, patches: &[&Patch]) -> Composed {
    with_deep_stack(|| {
        let composed = apply_all(module, is_package, original, patches, false);
        let is_python = |text: &str| Source::parse(text, "").is_ok();
        if composed.applied.len() < 2 || is_python(&composed.text) || !is_python(original) {
            return composed;
        }
        apply_all(module, is_package, original, patches, true)
    })
}

fn apply_all(
    module: &str,
    is_package: bool,
    original: &str,
    patches: &[&Patch],
    check_each: bool,
) -> Composed {
    let document = Document::new(original);
    let mut composer = Composer { module, is_package, original, document, applied: Vec::new() };
    let mut composed = Composed::default();
    for patch in patches {
        let before = check_each.then(|| composer.document.clone());
        let applied = composer.apply(patch).and_then(|notes| match &before {
            Some(_) => composer.check(patch).map(|()| notes),
            None => Ok(notes),
        });
        match applied {
            Ok(notes) => {
                composer.applied.push(patch);
                composed.notes.extend(notes);
            }
            Err(refusal) => {
                composer.document = before.unwrap_or(composer.document);
                composed.skipped.push((patch.id.clone(), refusal));
            }
        }
    }
    composed.text = composer.document.text();
    composed.contributions = composer.contributions();
    composed.applied = composer.applied.iter().map(|patch| patch.id.clone()).collect();
    composed
}

/// A module while patches are applied to it.
pub(super) struct Composer<'a> {
    pub module: &'a str,
    pub is_package: bool,
    pub original: &'a str,
    pub document: Document,
    pub applied: Vec<&'a Patch>,
}

impl<'a> Composer<'a> {
    /// Applies one patch wholly or not at all; things to know.
    fn apply(&mut self, patch: &'a Patch) -> Result<Vec<String>, Refusal> {
        self.check_fingerprints(patch)?;
        match &patch.body {
            Body::Diff(modules) => match modules.iter().find(|part| part.module == self.module) {
                Some(part) => self.apply_hunks(patch, part),
                None => Err(self.not_meant(patch)),
            },
            Body::Python(_) | Body::Edits(_) if patch.header.module.as_deref() != Some(self.module) => {
                Err(self.not_meant(patch))
            }
            // They change what the text compiles to.
            Body::Edits(_) => Ok(Vec::new()),
            Body::Python(text) => self.apply_mirror(patch, text),
        }
    }

    fn not_meant(&self, patch: &Patch) -> Refusal {
        let detail = format!("{} changes nothing in {}", patch.id, self.module);
        Refusal::new(Reason::TargetNotFound, detail)
    }

    fn check(&self, patch: &Patch) -> Result<(), Refusal> {
        let what = format!("{} with {}", self.module, patch.id);
        Source::parse(&self.document.text(), &what).map(|_| ())
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
