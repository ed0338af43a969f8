//! The skeletons of the changed functions, before and after.

use crate::changes::{Definition, FunctionPair, Scope};
use crate::excerpt::Excerpt;
use crate::globals;
use crate::source::{Enclosing, Item, Source};
use ruff_python_ast::StmtFunctionDef;

/// Skeleton of some functions, with every other definition of the names that are defined more than once,
/// and of some statements for the lambdas in them.
pub(crate) fn skeleton(
    source: &Source<'_>,
    kept: &[(&Scope, &StmtFunctionDef, &[Enclosing<'_>])],
    statements: &[&Item<'_>],
    all: &[Definition<'_>],
) -> String {
    let shares = |definition: &&Definition<'_>| {
        let name = definition.def.name.as_str();
        kept.iter().any(|(scope, def, _)| {
            def.name.as_str() == name && **scope == definition.scope && !std::ptr::eq(*def, definition.def)
        })
    };
    let others = all.iter().filter(shares).map(|definition| (definition.def, &definition.outer[..]));
    let functions: Vec<_> = kept.iter().map(|(_, def, outer)| (*def, *outer)).chain(others).collect();
    let mut excerpt = Excerpt::new(source);
    for (def, outer) in &functions {
        excerpt.keep_function(outer, def);
    }
    for item in statements {
        excerpt.keep_text(&item.outer, item.range().start(), source.slice(item.range()));
    }
    let bodies = functions.iter().map(|(def, _)| &def.body[..]);
    if let Some(line) = globals::line(source, bodies.chain(statements.iter().map(|item| item.stmts))) {
        excerpt.add_line(line);
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
