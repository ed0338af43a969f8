//! Names whose values, or whose behaviour when called, this plan changes, each with the change that it goes
//! back to.

use super::reads::{EVERYTHING, Reads};
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
    /// Every name bound in the module and in its class bodies.
    bound: FxHashSet<String>,
    /// Of these, the ones that several statements bind to values.
    rebound: FxHashSet<String>,
    /// Names that the module deletes.
    deleted: FxHashSet<String>,
}

impl Changed {
    pub fn new(bound: FxHashSet<String>, rebound: FxHashSet<String>, deleted: FxHashSet<String>) -> Self {
        Self { bound, rebound, deleted, ..Self::default() }
    }

    /// Whether something read is there no more once the module has run.
    pub fn is_deleted(&self, scope: &Scope, reads: &Reads) -> bool {
        let deleted = |name: &String| prefixes(&self.resolve(scope, name)).any(|p| self.deleted.contains(p));
        !self.deleted.is_empty() && reads.names.iter().chain(&reads.calls).any(deleted)
    }

    /// Whether something read may hold another value by now than when the module ran.
    pub fn is_rebound(&self, scope: &Scope, reads: &Reads) -> bool {
        let rebound = |name: &String| prefixes(&self.resolve(scope, name)).any(|p| self.rebound.contains(p));
        !self.rebound.is_empty() && reads.names.iter().any(rebound)
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

    pub fn add_recoded(&mut self, name: String) {
        self.recoded.insert(name);
    }

    /// Whether the module binds a name.
    pub fn is_bound(&self, name: &str) -> bool {
        self.bound.contains(name)
    }

    /// Whether a name's value is known to change, or to stay behind.
    pub fn is_known(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether a function's body may mean one of this module's names by a name that begins so.
    pub fn is_root(&self, name: &str) -> bool {
        self.bound.contains(name) || name == "self" || name == "cls"
    }

    /// Notes what follows for something from the names that it uses; whether that was not known before.
    pub fn follow(&mut self, name: &str, uses: &[String]) -> bool {
        let value = |used: &String| prefixes(used).find_map(|prefix| self.values.get(prefix)).cloned();
        let root = match self.callables.contains_key(name) {
            true => None,
            false => uses.iter().find_map(value),
        };
        let grown = root.is_some_and(|root| self.add_callable(name.to_owned(), &root));
        self.follow_calls(name, uses) || grown
    }

    /// As `follow`, of what is called alone.
    pub fn follow_calls(&mut self, name: &str, calls: &[String]) -> bool {
        let mut grown = false;
        if !self.callables.contains_key(name)
            && let Some(root) = calls.iter().find_map(|called| self.callables.get(called)).cloned()
        {
            grown |= self.add_callable(name.to_owned(), &root);
        }
        if !self.recoded.contains(name) && calls.iter().any(|called| self.recoded.contains(called)) {
            grown |= self.recoded.insert(name.to_owned());
        }
        grown
    }

    /// Whether the callable was not known before.
    pub fn add_callable(&mut self, name: String, root: &str) -> bool {
        self.callables.insert(name, root.to_owned()).is_none()
    }

    /// The change that a value read goes back to.
    pub fn value_root(&self, scope: &Scope, reads: &Reads) -> Option<&String> {
        if reads.names.iter().any(|name| name == EVERYTHING) {
            return self.values.values().min();
        }
        reads
            .names
            .iter()
            .find_map(|name| prefixes(&self.resolve(scope, name)).find_map(|p| self.values.get(p)))
    }

    /// The change that a call of this name goes back to.
    pub fn callable_root(&self, name: &str) -> Option<&String> {
        self.callables.get(name)
    }

    /// The change that a statement's calls go back to.
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
            if self.bound.contains(&format!("{prefix}.{first}")) {
                return format!("{prefix}.{name}");
            }
        }
        name
    }

    /// As `resolve` for the body of a function, where names of the class are read through the first argument;
    /// `None` for what is no name of this module.
    pub fn resolve_in_function(&self, scope: &Scope, name: &str) -> Option<String> {
        let class = scope.classes.last().map(String::as_str);
        let parts: Vec<String> = name.split('.').map(|part| mangle(class, part)).collect();
        let resolved = match parts.split_first() {
            Some((first, rest)) if first == "self" || first == "cls" => {
                format!("{}.{}", scope.namespace.join("."), rest.join("."))
            }
            _ => parts.join("."),
        };
        let known = prefixes(&resolved).any(|prefix| self.bound.contains(prefix));
        known.then_some(resolved)
    }
}

/// `a.b.c`, `a.b`, `a`.
fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    let ends = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
    let mut ends: Vec<usize> = ends.collect();
    ends.reverse();
    ends.into_iter().map(move |end| &name[..end])
}
