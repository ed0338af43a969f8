//! The values of a module that follow from changed functions, whether or not they could be computed anew.

use super::spread::add;
use crate::changes::Changes;
use crate::source::Source;
use patchctl_protocol::hook::Phase;
use patchctl_protocol::plan::Stale;
use ruff_text_size::Ranged;

/// What the module computes with what changed, each with the changed name that it goes back to.
pub(crate) fn values(source: &Source<'_>, changes: &mut Changes<'_>) -> Vec<Stale> {
    changes.stale.clear();
    add(source, changes, &[], Phase::Live);
    let mut values = std::mem::take(&mut changes.stale);
    let defaults = changes.functions.iter().filter_map(|pair| {
        let because = pair.because.first()?.clone();
        let (name, line) = (pair.scope.dotted(&pair.new.name), source.line_number(pair.new.start()));
        Some(Stale { name, line, because, file: None })
    });
    values.extend(defaults);
    for draft in &changes.steps {
        let Some(because) = draft.because.first() else { continue };
        let labels = draft.step.binds.iter().map(|name| draft.step.label(name));
        let (line, file) = (draft.step.line, None);
        values.extend(labels.map(|name| Stale { name, line, because: because.clone(), file: file.clone() }));
    }
    values
}
