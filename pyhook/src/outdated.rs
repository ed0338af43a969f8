//! Which of the loaded modules do not run their target.

use crate::reconcile::{self, records};
use crate::{desired, expected, finder, hello, interpreter, loader, modules, script};
use patchctl_protocol::hook::{Hello, ModuleFacts};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Modules to plan for.
#[derive(Default)]
pub struct Outdated {
    pub modules: Vec<ModuleFacts>,
    /// Some module with patches is being imported right now.
    pub unfinished: bool,
    /// Modules with patches are to come, and another finder stands before ours.
    pub overtaken: bool,
    pub hello: Hello,
}

/// The loaded modules whose target is not what they run.
pub fn find(py: Python<'_>, attached: bool) -> Outdated {
    // Without it, what is imported from here on is left to the live path.
    finder::stand(py).ok();
    let mut found = Outdated { unfinished: expected::is_any(py), ..Outdated::default() };
    for name in candidates(py) {
        if let Some(lazy) = interpreter::lazy_module(py, &name) {
            loader::prepare_lazy(&lazy, &name).ok();
        }
        match state(py, &name) {
            Loaded::Outdated(facts) => found.modules.push(facts),
            Loaded::Unfinished => found.unfinished = true,
            Loaded::Current => {}
        }
    }
    found.overtaken = finder::is_overtaken(py) && is_waiting(py);
    if !found.modules.is_empty() {
        found.hello = hello::fresh(py, attached);
    }
    found
}

/// Whether some module with patches is not loaded.
fn is_waiting(py: Python<'_>) -> bool {
    desired::with(|known| known.modules.keys().any(|name| modules::namespace(py, name).is_none()))
}

/// The same, with the sources of the named modules as their loaders give them.
pub fn with_source(py: Python<'_>, attached: bool, names: &[String]) -> Outdated {
    let mut found = find(py, attached);
    for facts in found.modules.iter_mut().filter(|facts| names.contains(&facts.name)) {
        facts.source = Some(modules::source(py, &facts.name).unwrap_or_default());
    }
    found
}

enum Loaded {
    Outdated(ModuleFacts),
    Unfinished,
    Current,
}

/// Names with patches, and names of modules that we changed.
fn candidates(py: Python<'_>) -> Vec<String> {
    let mut names: Vec<String> = desired::with(|known| known.modules.keys().cloned().collect());
    for key in records::keys(py) {
        let name = records::module_of(&key);
        if !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    names
}

fn state(py: Python<'_>, name: &str) -> Loaded {
    let wanted = desired::with(|known| known.modules.get(name).cloned());
    for (key, namespace) in modules::instances(py, name) {
        let known = records::summary(py, &key, &namespace);
        let has = known.as_ref().map(|summary| summary.digest.clone());
        if wanted == has || (wanted.is_none() && known.as_ref().is_none_or(|summary| summary.is_untouched)) {
            continue;
        }
        if interpreter::is_initializing(&namespace) || is_pending_script(py, &namespace) {
            return Loaded::Unfinished;
        }
        return Loaded::Outdated(reconcile::with_record(modules::facts(name, &namespace), known));
    }
    Loaded::Current
}

/// Whether it is the namespace of the script, and that has still to begin.
fn is_pending_script(py: Python<'_>, namespace: &Bound<'_, PyDict>) -> bool {
    let is_main =
        || interpreter::namespace(py, modules::MAIN).ok().flatten().is_some_and(|main| main.is(namespace));
    script::is_pending() && is_main() && !reconcile::has_begun(py, namespace)
}
