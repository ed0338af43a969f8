//! Which names statements bind whichever way they take through their branches.

use super::binding::Bound;
use super::text::Source;
use ruff_python_ast::{ExceptHandler, Stmt};
use std::collections::BTreeSet;

/// Names that these statements bind on some of their ways only.
pub(crate) fn bound_at_times(source: &Source<'_>, stmts: &[Stmt]) -> Vec<String> {
    let surely = surely(source, stmts).unwrap_or_default();
    Bound::of(source, stmts).names.into_iter().filter(|name| !surely.contains(name)).collect()
}

/// Names bound by all ways that lead to the end; `None` where none does.
fn surely(source: &Source<'_>, stmts: &[Stmt]) -> Option<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for stmt in stmts {
        found.extend(by_statement(source, stmt)?);
    }
    Some(found)
}

fn by_statement(source: &Source<'_>, stmt: &Stmt) -> Option<BTreeSet<String>> {
    let of = |body: &[Stmt]| surely(source, body);
    match stmt {
        Stmt::Raise(_) => None,
        Stmt::If(node) => {
            let is_total = node.elif_else_clauses.last().is_some_and(|clause| clause.test.is_none());
            let other = (!is_total).then(|| Some(BTreeSet::new()));
            let clauses = node.elif_else_clauses.iter().map(|clause| of(&clause.body));
            shared([of(&node.body)].into_iter().chain(clauses).chain(other))
        }
        Stmt::Try(node) => {
            let whole = of(&node.body).and_then(|body| Some(&body | &of(&node.orelse)?));
            let handlers = node.handlers.iter().map(|handler| {
                let ExceptHandler::ExceptHandler(handler) = handler;
                of(&handler.body)
            });
            let ways = shared([whole].into_iter().chain(handlers))?;
            Some(&ways | &of(&node.finalbody)?)
        }
        Stmt::With(node) => of(&node.body),
        Stmt::For(_) | Stmt::While(_) | Stmt::Match(_) => Some(BTreeSet::new()),
        _ => Some(Bound::of(source, std::slice::from_ref(stmt)).names.into_iter().collect()),
    }
}

/// What all ways bind that lead on.
fn shared(ways: impl Iterator<Item = Option<BTreeSet<String>>>) -> Option<BTreeSet<String>> {
    ways.flatten().reduce(|one, other| &one & &other)
}

#[cfg(test)]
mod tests {
    use super::{Source, bound_at_times};

    #[test]
    fn names_bound_on_some_ways() {
        let of = |text: &str| {
            let source = Source::parse(text, "m").expect("Python");
            bound_at_times(&source, source.body()).join(" ")
        };
        assert_eq!(of("x = 1\ndef f(): pass\n"), "");
        assert_eq!(of("try:\n    import x\nexcept ImportError:\n    x = None\n"), "");
        assert_eq!(of("try:\n    import x\nexcept ImportError:\n    y = 0\nelse:\n    y = 1\n"), "x");
        assert_eq!(of("try:\n    import x\nexcept ImportError:\n    raise\n"), "");
        assert_eq!(of("if a:\n    x = y = 1\nelif b:\n    x = 2\nelse:\n    x = 3\n"), "y");
        assert_eq!(of("if a:\n    x = 1\n"), "x");
        assert_eq!(of("for i in a:\n    x = 1\n"), "i x");
    }
}
