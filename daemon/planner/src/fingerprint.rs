//! Fingerprints of functions: digests of their syntax trees, in which positions, comments and layout do not
//! count.

use crate::patch::digest;
use crate::source::{Source, branches};
use crate::stack::with_deep_stack;
use patchctl_protocol::digest::Digest;
use ruff_python_ast::Stmt;
use ruff_python_ast::comparable::ComparableStmt;

/// Fingerprint of the last definition of a function, by its qualname (`C.method`); `None` where there is
/// none, or the text is not Python. The docstring and the decorators count.
#[must_use]
pub fn fingerprint(source: &str, qualname: &str) -> Option<Digest> {
    with_deep_stack(|| {
        let source = Source::parse(source, "").ok()?;
        of_source(&source, qualname)
    })
}

pub(crate) fn of_source(source: &Source<'_>, qualname: &str) -> Option<Digest> {
    let parts: Vec<&str> = qualname.split('.').collect();
    let found = find(source, source.body(), &parts)?;
    Some(digest(format!("{:?}", ComparableStmt::from(found)).as_bytes()))
}

/// The last definition that a dotted name leads to.
fn find<'a>(source: &Source<'_>, body: &'a [Stmt], parts: &[&str]) -> Option<&'a Stmt> {
    let (first, rest) = parts.split_first()?;
    body.iter().rev().find_map(|stmt| match stmt {
        Stmt::FunctionDef(def) if rest.is_empty() && def.name.as_str() == *first => Some(stmt),
        Stmt::ClassDef(class) if class.name.as_str() == *first => find(source, &class.body, rest),
        _ => branches(source, stmt).iter().rev().find_map(|branch| find(source, branch.body, parts)),
    })
}

/// Qualnames of all functions of a text, those inside functions aside.
pub(crate) fn qualnames(source: &Source<'_>) -> Vec<String> {
    let mut names = Vec::new();
    collect(source, source.body(), "", &mut names);
    names
}

fn collect(source: &Source<'_>, body: &[Stmt], prefix: &str, names: &mut Vec<String>) {
    for stmt in body {
        match stmt {
            Stmt::FunctionDef(def) => names.push(format!("{prefix}{}", def.name)),
            Stmt::ClassDef(class) => {
                collect(source, &class.body, &format!("{prefix}{}.", class.name), names);
            }
            _ => {
                for branch in branches(source, stmt) {
                    collect(source, branch.body, prefix, names);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "class C:\n    def m(self, x=1):\n        'doc'\n        return (x)  # why\n";

    #[test]
    fn layout_does_not_count() {
        let other =
            "\n\nclass C:\n  if X:\n    def m(self,\n          x = 1):\n      \"doc\"\n      return x\n";
        assert_eq!(fingerprint(TEXT, "C.m"), fingerprint(other, "C.m"));
        assert!(fingerprint(TEXT, "C.m").is_some());
        assert_eq!(fingerprint(TEXT, "m"), None);
    }

    #[test]
    fn content_counts() {
        for other in [TEXT.replace("'doc'", "'dok'"), TEXT.replace("=1", "=2"), TEXT.replace("(x)", "-x")] {
            assert_ne!(fingerprint(TEXT, "C.m"), fingerprint(&other, "C.m"), "{other}");
        }
    }

    /// Fingerprints stand in patch files: a digest must not change from version to version.
    #[test]
    fn is_stable() {
        let digest = fingerprint("def f(a, *, b: int = 2):\n    return a + b\n", "f").expect("a function");
        assert_eq!(digest.0, "sha256:3faeaf60a344f719f719534b6934de58429f6bf4fe2b5c001a2890562a75767e");
    }
}
