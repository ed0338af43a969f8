//! Finding definitions in a tree of code objects: one walk over the tree serves all changes of a plan.

use super::codes;
use crate::interpreter;
use patchctl_protocol::plan::Plan;
use pyo3::prelude::*;
use std::collections::HashMap;

/// A code object within a tree.
pub struct Found<'py> {
    pub name: String,
    /// Its position: the index in `co_consts` on each level, from the root down.
    pub path: Vec<usize>,
    pub code: Bound<'py, PyAny>,
}

/// The code objects of a tree that begin at certain lines, by line, outer ones first.
#[derive(Default)]
pub struct Index<'py> {
    by_line: HashMap<u32, Vec<Found<'py>>>,
    /// The last of the lines: what lies within a code object does not begin before it.
    last: u32,
    /// So many were found.
    count: usize,
    /// So many are there, if that is known.
    expected: Option<usize>,
}

impl<'py> Index<'py> {
    /// The definitions that a plan changes, in code that is as before.
    ///
    /// # Errors
    /// That `root` is no code object.
    pub fn of_old(root: &Bound<'py, PyAny>, plan: &Plan) -> PyResult<Self> {
        Self::new(root, plan.functions.iter().map(|change| change.old_line), None)
    }

    /// The same in code that has as many of them as another, whatever else it holds: the walk ends behind them.
    ///
    /// # Errors
    /// That `root` is no code object.
    pub fn like(other: &Self, root: &Bound<'py, PyAny>, plan: &Plan) -> PyResult<Self> {
        Self::new(root, plan.functions.iter().map(|change| change.old_line), Some(other.count))
    }

    /// The same in the code that they are to have.
    ///
    /// # Errors
    /// That `root` is no code object.
    pub fn of_new(root: &Bound<'py, PyAny>, plan: &Plan) -> PyResult<Self> {
        Self::new(root, plan.functions.iter().map(|change| change.new_line), None)
    }

    /// Walks the tree; `lines` are those of `co_firstlineno` that will be asked for.
    fn new(
        root: &Bound<'py, PyAny>,
        lines: impl Iterator<Item = u32>,
        expected: Option<usize>,
    ) -> PyResult<Self> {
        let by_line: HashMap<_, _> = lines.map(|line| (line, Vec::new())).collect();
        let last = by_line.keys().copied().max().unwrap_or(0);
        let mut index = Self { by_line, last, count: 0, expected };
        index.walk(root, &mut Vec::new())?;
        Ok(index)
    }

    fn walk(&mut self, code: &Bound<'py, PyAny>, path: &mut Vec<usize>) -> PyResult<()> {
        let constants = interpreter::constants(code)?;
        for position in 0..constants.len() {
            let constant = constants.get_borrowed_item(position)?;
            // Types of code objects have no subclasses.
            if constant.get_type_ptr() != code.get_type_ptr() {
                continue;
            }
            let line = codes::first_line(&constant)?;
            if line > self.last {
                // Most constants of a large module: they follow in the order of their lines.
                if self.expected.is_some_and(|expected| expected <= self.count) {
                    break;
                }
                continue;
            }
            path.push(position);
            if let Some(found) = self.by_line.get_mut(&line) {
                let name = codes::name(&constant)?;
                found.push(Found { name, path: path.clone(), code: constant.to_owned() });
                self.count += 1;
            }
            self.walk(&constant, path)?;
            path.pop();
        }
        Ok(())
    }

    /// All definitions with this name (`co_name`) that begin at this line: several for lambdas.
    pub fn all<'a>(&'a self, name: &'a str, line: u32) -> impl Iterator<Item = &'a Found<'py>> {
        self.by_line.get(&line).into_iter().flatten().filter(move |found| found.name == name)
    }

    /// The outermost of them.
    #[must_use]
    pub fn first(&self, name: &str, line: u32) -> Option<Bound<'py, PyAny>> {
        self.all(name, line).next().map(|found| found.code.clone())
    }
}
