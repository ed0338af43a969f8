//! The plan of a module whose code runs just now: asked for in the middle of it.

use super::{excluded, records};
use crate::ask::Question;
use crate::modules;
use patchctl_protocol::digest::Digest;
use patchctl_protocol::hook::{ModuleFacts, ModulePlan, Phase};
use pyo3::prelude::*;

/// The plan of a module by its name; `None` if it is not there, or no answer comes in time.
pub fn plan(py: Python<'_>, name: &str, phase: Phase) -> Option<ModulePlan> {
    let namespace = modules::namespace(py, name)?;
    let known = records::summary(py, name, &namespace);
    let facts = with_record(modules::facts(name, &namespace), known);
    Question::ask(py, facts, phase, excluded())?.answer(py, |py| modules::source(py, name))
}

/// What the planner needs to know of a module, with what its record says.
pub fn with_record(mut facts: ModuleFacts, known: Option<records::Summary>) -> ModuleFacts {
    if let Some(summary) = known {
        facts.original = Some(summary.original).filter(|digest| *digest != Digest::default());
        facts.running = summary.base;
    }
    facts
}
