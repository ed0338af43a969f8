//! Names of functions: `C.method`, `f.<locals>.g`, `<module>`.

use crate::changes::Scope;
use patchctl_protocol::edit::Function;

/// What stands in a qualname between a function and what it defines (PEP 3155).
const LOCALS: &str = "<locals>";
/// The body of the module.
const MODULE: &str = "<module>";

/// The function that stands in the module or in a class, and the names on the way from it to the one that
/// the qualname names. `None` if it is no qualname.
pub(super) fn split(qualname: &str) -> Option<(Function, Vec<String>)> {
    if qualname == MODULE {
        return Some((Function { qualname: MODULE.to_owned(), ..Function::default() }, Vec::new()));
    }
    let separator = format!(".{LOCALS}.");
    let mut parts = qualname.split(separator.as_str());
    let outer = parts.next().filter(|outer| outer.split('.').all(is_name))?;
    let within: Vec<String> = parts.flat_map(|part| part.split('.')).map(str::to_owned).collect();
    if !within.iter().all(|name| is_inner_name(name)) {
        return None;
    }
    let (classes, name) = match outer.rsplit_once('.') {
        Some((classes, name)) => (classes.split('.').collect(), name),
        None => (Vec::new(), outer),
    };
    let scope = classes.iter().fold(Scope::default(), |scope, class| scope.inner(class));
    let name = scope.mangle(name);
    Some((Function { scope: scope.namespace, name, qualname: outer.to_owned() }, within))
}

fn is_name(part: &str) -> bool {
    let mut letters = part.chars();
    letters.next().is_some_and(|first| first == '_' || first.is_alphabetic())
        && letters.all(|letter| letter == '_' || letter.is_alphanumeric())
}

/// `g`, `<lambda>`, `<lambda>[1]`.
pub(super) fn is_inner_name(part: &str) -> bool {
    let name = match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
        Some((name, number)) if number.parse::<usize>().is_ok() => name,
        _ => part,
    };
    let special = name.strip_prefix('<').and_then(|name| name.strip_suffix('>'));
    is_name(special.unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn finds_the_function_in_the_module() {
        let (function, within) = split("A._B.__f.<locals>.g.<locals>.<lambda>[1]").expect("a qualname");
        assert_eq!(function.scope, ["A", "_B"]);
        assert_eq!((function.name.as_str(), function.qualname.as_str()), ("_B__f", "A._B.__f"));
        assert_eq!(within, ["g", "<lambda>[1]"]);
        assert!(split("<module>").expect("a qualname").0.is_body());
        for wrong in ["", "a b", "f.", "f.<locals>.", "<lambda>", "f.<locals>.g-h", "1f"] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }
}
