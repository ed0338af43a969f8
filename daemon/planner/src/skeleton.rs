//! The skeletons of the changed functions, before and after.

use crate::changes::{Definition, FunctionPair, Scope};
use crate::excerpt::Excerpt;
use crate::source::{Enclosing, Source};
use ruff_python_ast::StmtFunctionDef;

/// Skeleton of some functions, with every other definition of the names that are defined more than once.
pub(crate) fn skeleton(
    source: &Source<'_>,
    kept: &[(&Scope, &StmtFunctionDef, &[Enclosing<'_>])],
    all: &[Definition<'_>],
) -> String {
    let mut excerpt = Excerpt::new(source);
    for (_, def, outer) in kept {
        excerpt.keep_function(outer, def);
    }
    for definition in all {
        let name = definition.def.name.as_str();
        let shares = |(scope, def, _): &(&Scope, &StmtFunctionDef, &[Enclosing<'_>])| {
            def.name.as_str() == name && **scope == definition.scope && !std::ptr::eq(*def, definition.def)
        };
        if kept.iter().any(shares) {
            excerpt.keep_function(&definition.outer, definition.def);
        }
    }
    excerpt.text()
}

/// A text that binds one function plainly.
pub(crate) fn plain(source: &Source<'_>, def: &StmtFunctionDef, outer: &[Enclosing<'_>]) -> String {
    let mut excerpt = Excerpt::new(source);
    excerpt.keep_function(outer, def);
    excerpt.text()
}

/// Whether a function may rightly not exist, or exist more than once: it stands in a block, or its name is
/// defined more than once in its scope.
pub(crate) fn is_conditional(
    pair: &FunctionPair<'_>,
    old: &[Definition<'_>],
    new: &[Definition<'_>],
) -> bool {
    let branch = |outer: &[Enclosing<'_>]| outer.iter().any(|e| matches!(e, Enclosing::Branch { .. }));
    let more = |all: &[Definition<'_>]| {
        let same =
            |d: &&Definition<'_>| d.def.name.as_str() == pair.new.name.as_str() && d.scope == pair.scope;
        all.iter().filter(same).count() > 1
    };
    branch(&pair.old_outer) || branch(&pair.new_outer) || more(old) || more(new)
}
