//! Where in a module something stands.

use crate::source::mangle;

/// Names of the classes around an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    /// As they stand in their namespaces (mangled).
    pub namespace: Vec<String>,
    /// As they stand in the source.
    pub classes: Vec<String>,
}

impl Scope {
    /// A name of this scope as it stands in its namespace.
    pub fn mangle(&self, name: &str) -> String {
        mangle(self.classes.last().map(String::as_str), name)
    }

    /// The dotted name of one of this scope's names, as it stands in the source.
    pub fn dotted(&self, name: &str) -> String {
        if self.classes.is_empty() { name.to_owned() } else { format!("{}.{name}", self.classes.join(".")) }
    }

    pub fn inner(&self, class: &str) -> Self {
        let mut inner = self.clone();
        inner.namespace.push(self.mangle(class));
        inner.classes.push(class.to_owned());
        inner
    }
}
