//! Telling what stays behind.

use crate::changes::{Changes, Scope};
use crate::source::Source;
use patchctl_protocol::plan::Stale;
use ruff_text_size::TextSize;

/// Adds a name of a scope, at the place of its statement, to what is stale because of a change.
pub(super) fn stale(
    source: &Source<'_>,
    changes: &mut Changes<'_>,
    scope: &Scope,
    name: &str,
    start: TextSize,
    root: &str,
) {
    let (name, line) = (scope.dotted(name), source.line_number(start));
    changes.stale.push(Stale { name, line, because: root.to_owned(), file: None });
}
