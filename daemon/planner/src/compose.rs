//! The target text of a module: its original with patches applied in order.

use crate::patch::Patch;
use patchctl_protocol::state::Refusal;

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
pub fn compose(_module: &str, _is_package: bool, original: &str, _patches: &[&Patch]) -> Composed {
    Composed { text: original.to_owned(), ..Composed::default() }
}
