//! The skeletons of plans, compiled before the pause: each in a hold of the GIL of its own, and whoever waits for it
//! runs in between.

use crate::{interpreter, modules};
use patchctl_protocol::hook::{ModulePlan, Outcome};
use patchctl_protocol::plan::Plan;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::time::{Duration, Instant};

/// What was compiled ahead.
#[derive(Default)]
pub struct Skeletons<'py, 'p> {
    /// A text, and the file name that its code has.
    compiled: Vec<(&'p str, String, Bound<'py, PyAny>)>,
    /// Longest time that the GIL was held for one of them.
    pub longest: Duration,
}

impl<'py, 'p> Skeletons<'py, 'p> {
    /// Compiles what these plans will ask for. What does not compile is left out, and told of when it is asked for.
    pub fn ahead(py: Python<'py>, plans: &'p [ModulePlan]) -> Self {
        let mut ahead = Self::default();
        for plan in plans {
            let Outcome::Plan(content) = &plan.outcome else { continue };
            for (_, namespace) in modules::instances(py, &plan.name) {
                let filename = file_name(content, &namespace);
                for source in
                    [content.old_skeleton.as_deref(), Some(&*content.new_skeleton)].into_iter().flatten()
                {
                    ahead.add(py, source, &filename);
                }
            }
        }
        ahead
    }

    fn add(&mut self, py: Python<'py>, source: &'p str, filename: &str) {
        if self.find(source, filename).is_some() {
            return;
        }
        let started = Instant::now();
        if let Ok(code) = interpreter::compile(py, source, filename) {
            self.compiled.push((source, filename.to_owned(), code));
        }
        self.longest = self.longest.max(started.elapsed());
        py.detach(|| ());
    }

    fn find(&self, source: &str, filename: &str) -> Option<&Bound<'py, PyAny>> {
        let is_it = |(text, file, _): &&(&str, String, _)| *text == source && file == filename;
        self.compiled.iter().find(is_it).map(|(_, _, code)| code)
    }

    /// The code of a skeleton: compiled ahead, or now.
    ///
    /// # Errors
    /// What the compiler raises.
    pub fn code(&self, py: Python<'py>, source: &str, filename: &str) -> PyResult<Bound<'py, PyAny>> {
        self.find(source, filename).cloned().map_or_else(|| interpreter::compile(py, source, filename), Ok)
    }
}

/// Where new code says it comes from.
pub fn file_name(content: &Plan, namespace: &Bound<'_, PyDict>) -> String {
    if !content.filename.is_empty() {
        return content.filename.clone();
    }
    let file = namespace.get_item("__file__").ok().flatten();
    file.and_then(|file| file.extract().ok()).unwrap_or_else(|| "<patched>".to_owned())
}
