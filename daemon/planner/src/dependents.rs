//! What follows from changed values.
use crate::changes::Changes;
use crate::source::Source;

/// Adds what follows from the changes.
pub(crate) fn add(_new: &Source<'_>, _changes: &mut Changes<'_>, _renew: &[String]) {}
