//! What executes the statements of one module's plan: its state, on which the files that do the steps build.

use super::importers::Imports;
use super::others::Others;
use super::prepare::Prepared;
use super::refusal;
use super::skeletons::file_name;
use crate::interpreter;
use patchctl_protocol::plan::{Plan, Stale};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::HashMap;

/// A function object, and what its name is bound to now.
pub struct Replaced<'py, 'p> {
    pub function: Bound<'py, PyAny>,
    pub by: Bound<'py, PyAny>,
    pub patches: &'p [String],
}

/// Executes the steps of one module's plan.
pub struct Executor<'a, 'py, 'p> {
    pub module: &'a Prepared<'py, 'p>,
    pub(super) content: &'p Plan,
    filename: String,
    /// What class bodies see as their namespace, by class: a copy, from which the names that a step binds
    /// are taken over.
    pub(super) locals: HashMap<Vec<String>, Bound<'py, PyDict>>,
    /// What stays behind, beside what the plan knows of: in other modules, and what metaclasses computed.
    pub stale: Vec<Stale>,
    /// Functions whose names are bound to something else by now.
    pub(super) replaced: Vec<Replaced<'py, 'p>>,
    /// What other modules import, read before.
    pub(super) imports: &'a Imports,
    /// The other modules, once somebody asks.
    pub(super) others: Option<Others<'py>>,
}

impl<'a, 'py, 'p> Executor<'a, 'py, 'p> {
    pub fn new(module: &'a Prepared<'py, 'p>, content: &'p Plan, imports: &'a Imports) -> Self {
        Self {
            module,
            content,
            filename: file_name(content, &module.namespace),
            locals: HashMap::new(),
            stale: Vec::new(),
            replaced: Vec::new(),
            imports,
            others: None,
        }
    }

    /// The module's file, as what stays behind is told.
    pub(super) fn file(&self) -> Option<String> {
        self.module.namespace.get_item("__file__").ok().flatten()?.extract().ok()
    }

    /// Compiles a statement of the plan.
    pub fn compile(&self, py: Python<'py>, source: &str) -> Result<Bound<'py, PyAny>, Refusal> {
        interpreter::compile(py, source, &self.filename)
            .map_err(|error| refusal(py, Reason::SyntaxError, "compiling a statement", &error))
    }
}
