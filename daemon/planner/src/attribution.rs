//! Which patches a change of the target comes from.

use crate::compose::Contribution;
use std::collections::BTreeSet;

/// The lines that patches changed in the target.
pub(crate) struct Attribution<'a> {
    contributions: &'a [Contribution],
}

impl<'a> Attribution<'a> {
    pub fn new(contributions: &'a [Contribution]) -> Self {
        Self { contributions }
    }

    /// Ids of the patches that changed any of the lines (indices of the first and the last); of all patches
    /// where none did.
    pub fn of(&self, lines: (usize, usize)) -> Vec<String> {
        let touches = |contribution: &&Contribution| {
            let start = contribution.line as usize - 1;
            let count = contribution.count as usize;
            start <= lines.1 && start + count.max(1) > lines.0
        };
        let ids = self.ids(touches);
        if ids.is_empty() { self.ids(|_| true) } else { ids }
    }

    /// Ids of the patches that took lines out; of all where none did.
    pub fn of_removal(&self) -> Vec<String> {
        let ids = self.ids(|contribution| contribution.count == 0);
        if ids.is_empty() { self.ids(|_| true) } else { ids }
    }

    fn ids(&self, wanted: impl Fn(&&Contribution) -> bool) -> Vec<String> {
        let ids: BTreeSet<&String> = self.contributions.iter().filter(wanted).map(|c| &c.patch).collect();
        ids.into_iter().cloned().collect()
    }
}
