//! Which operators there are, and what of: `+` may become `-`, `<` may become `not in`.

use patchctl_protocol::edit::Operation;

const BINARY: [&str; 13] = ["+", "-", "*", "@", "/", "//", "%", "**", "<<", ">>", "&", "|", "^"];
const COMPARE: [&str; 10] = ["<", "<=", "==", "!=", ">", ">=", "in", "not in", "is", "is not"];
pub(super) const UNARY: [&str; 4] = ["-", "+", "~", "not"];

/// Also `+=` and the like.
fn is_binary(operator: &str) -> bool {
    BINARY.contains(&operator) || operator.strip_suffix('=').is_some_and(|plain| BINARY.contains(&plain))
}

/// What replacing one operator by the other means. Where both are binary and unary, the binary one is
/// meant. An empty new operator takes a unary one out.
pub(super) fn replacement(from: &str, to: &str) -> Option<Operation> {
    let (from, to) = (normal(from), normal(to));
    let both = |known: &dyn Fn(&str) -> bool| known(&from) && known(&to);
    if both(&|operator| COMPARE.contains(&operator)) {
        Some(Operation::Compare { from, to })
    } else if both(&is_binary) {
        Some(Operation::Binary { from, to })
    } else {
        unary(&from, &to)
    }
}

/// The same for a unary operator alone.
pub(super) fn unary(from: &str, to: &str) -> Option<Operation> {
    let (from, to) = (normal(from), normal(to));
    let known = UNARY.contains(&from.as_str()) && (to.is_empty() || UNARY.contains(&to.as_str()));
    known.then_some(Operation::Unary { from, to })
}

/// One blank between words.
fn normal(operator: &str) -> String {
    operator.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::replacement;
    use patchctl_protocol::edit::Operation;

    #[test]
    fn sorts_by_what_both_operators_are() {
        assert!(matches!(replacement("-", "+"), Some(Operation::Binary { .. })));
        assert!(matches!(replacement("+=", "+"), Some(Operation::Binary { .. })));
        assert!(matches!(replacement("-", "~"), Some(Operation::Unary { .. })));
        assert!(matches!(replacement("~", ""), Some(Operation::Unary { .. })));
        assert!(matches!(replacement("<=", "not  in"), Some(Operation::Compare { .. })));
        for (from, to) in [("<", "+"), ("*", ""), ("and", "or"), ("=", "+"), ("", "-")] {
            assert_eq!(replacement(from, to), None, "{from} {to}");
        }
    }
}
