//! Names whose values, or whose behaviour when called, this plan changes, each with the change that it goes
//! back to.

use super::reads::Reads;
use crate::changes::Scope;
use crate::source::mangle;
use rustc_hash::{FxHashMap, FxHashSet};

/// What is known of names (dotted, as they stand in their namespaces).
#[derive(Default)]
pub(super) struct Changed {
    values: FxHashMap<String, String>,
    callables: FxHashMap<String, String>,
    /// Of these, those that run code which a function gets anew; not known before all have it.
    recoded: FxHashSet<String>,
    /// Names that get their values after all functions have their new code.
    late: FxHashSet<String>,
    /// Values that stay behind.
    stale: FxHashSet<String>,
    /// Every name bound in a class body.
    class_names: FxHashSet<String>,
}

impl Changed {
    pub fn new(class_names: FxHashSet<String>) -> Self {
        Self { class_names, ..Self::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.callables.is_empty()
    }

    pub fn add_value(&mut self, name: String, root: &str) {
        self.values.insert(name, root.to_owned());
    }

    pub fn add_late(&mut self, name: String) {
        self.late.insert(name);
    }

    pub fn add_stale(&mut self, name: String, root: &str) {
        self.stale.insert(name.clone());
        self.values.insert(name, root.to_owned());
    }

    /// Whether the name was not known before as one that runs new code of a function.
    pub fn add_recoded(&mut self, name: String) -> bool {
        self.recoded.insert(name)
    }

    pub fn is_recoded(&self, name: &str) -> bool {
        self.recoded.contains(name)
    }

    /// Whether a function's body calls, or names, one that runs new code.
    pub fn body_recoded(&self, scope: &Scope, reads: &Reads) -> bool {
        let names = reads.names.iter().chain(&reads.calls);
        names.into_iter().any(|name| self.recoded.contains(&Self::resolve_in_function(scope, name)))
    }

    /// Whether the callable was not known before.
    pub fn add_callable(&mut self, name: String, root: &str) -> bool {
        self.callables.insert(name, root.to_owned()).is_none()
    }

    pub fn callable(&self, name: &str) -> Option<&String> {
        self.callables.get(name)
    }

    /// The change that a value read goes back to.
    pub fn value_root(&self, scope: &Scope, reads: &Reads) -> Option<&String> {
        reads
            .names
            .iter()
            .find_map(|name| prefixes(&self.resolve(scope, name)).find_map(|p| self.values.get(p)))
    }

    /// The change that a call goes back to.
    pub fn call_root(&self, scope: &Scope, reads: &Reads) -> Option<&String> {
        reads.calls.iter().find_map(|name| self.callables.get(&self.resolve(scope, name)))
    }

    /// Whether something read is late, or something called has new code.
    pub fn is_late(&self, scope: &Scope, reads: &Reads) -> bool {
        let late = |name: &String| prefixes(&self.resolve(scope, name)).any(|p| self.late.contains(p));
        let recoded = |name: &String| self.recoded.contains(&self.resolve(scope, name));
        reads.names.iter().any(late) || reads.calls.iter().any(recoded)
    }

    /// Whether something read stays behind.
    pub fn is_stale(&self, scope: &Scope, reads: &Reads) -> bool {
        let stale = |name: &String| prefixes(&self.resolve(scope, name)).any(|p| self.stale.contains(p));
        reads.names.iter().any(stale)
    }

    /// The dotted name that a name in a scope's statements means: one of the class body, or a global.
    fn resolve(&self, scope: &Scope, name: &str) -> String {
        let class = scope.classes.last().map(String::as_str);
        let parts: Vec<String> = name.split('.').map(|part| mangle(class, part)).collect();
        let name = parts.join(".");
        if let Some(first) = parts.first()
            && !scope.namespace.is_empty()
        {
            let prefix = scope.namespace.join(".");
            if self.class_names.contains(&format!("{prefix}.{first}")) {
                return format!("{prefix}.{name}");
            }
        }
        name
    }

    /// As `resolve` for the body of a function: names of the class are read through its first argument.
    fn resolve_in_function(scope: &Scope, name: &str) -> String {
        let class = scope.classes.last().map(String::as_str);
        let parts: Vec<String> = name.split('.').map(|part| mangle(class, part)).collect();
        match parts.split_first() {
            Some((first, rest))
                if !rest.is_empty() && !scope.namespace.is_empty() && (first == "self" || first == "cls") =>
            {
                format!("{}.{}", scope.namespace.join("."), rest.join("."))
            }
            _ => parts.join("."),
        }
    }

    /// The change that a function's body goes back to.
    pub fn body_root(&self, scope: &Scope, reads: &Reads) -> Option<&String> {
        let names = reads.names.iter().chain(&reads.calls);
        names.into_iter().find_map(|name| {
            let name = Self::resolve_in_function(scope, name);
            let found = prefixes(&name).find_map(|prefix| self.values.get(prefix));
            found.or_else(|| self.callables.get(&name))
        })
    }
}

/// `a.b.c`, `a.b`, `a`.
fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    let ends = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
    let mut ends: Vec<usize> = ends.collect();
    ends.reverse();
    ends.into_iter().map(move |end| &name[..end])
}
