//! Stores that can be taken back: each with the value before, so that reverting in reverse order leaves
//! everything as it was.

use super::slot::Slot;
use pyo3::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// A store: the values before and after; `None` is absent.
pub struct Stored {
    pub module: String,
    pub slot: Slot,
    pub before: Option<Py<PyAny>>,
    pub after: Option<Py<PyAny>>,
    /// Name for people, such as `Retry.DEFAULT`; empty for what nobody asks about.
    pub label: String,
    pub patches: Vec<String>,
    /// Needed to take it back once the transaction has succeeded.
    pub kept: bool,
    /// Counts up from store to store.
    pub number: u64,
}

impl Stored {
    /// Another handle on the same.
    pub fn again(&self, py: Python<'_>) -> Self {
        Self {
            module: self.module.clone(),
            slot: self.slot.again(py),
            before: self.before.as_ref().map(|before| before.clone_ref(py)),
            after: self.after.as_ref().map(|after| after.clone_ref(py)),
            label: self.label.clone(),
            patches: self.patches.clone(),
            kept: self.kept,
            number: self.number,
        }
    }

    /// Whether it was made upon the other one: in the same place, which held what that put there. Runs no code.
    pub fn lies_upon(&self, py: Python<'_>, other: &Self) -> bool {
        let address = |value: &Option<Py<PyAny>>| value.as_ref().map(Py::as_ptr);
        self.number > other.number
            && address(&self.before) == address(&other.after)
            && self.slot.is_same(py, &other.slot)
    }
}

/// The last number of a store.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// For whom a store is made.
#[derive(Clone, Copy)]
pub struct Purpose<'a> {
    pub module: &'a str,
    pub label: &'a str,
    pub patches: &'a [String],
    /// See [`Stored::kept`].
    pub kept: bool,
}

impl<'a> Purpose<'a> {
    /// A store that the module's record keeps.
    pub fn kept(module: &'a str, label: &'a str, patches: &'a [String]) -> Self {
        Self { module, label, patches, kept: true }
    }

    /// A store that only matters until the transaction has succeeded.
    pub fn passing() -> Self {
        Self { module: "", label: "", patches: &[], kept: false }
    }
}

/// The stores of one reconcile, in order.
#[derive(Default)]
pub struct Transaction {
    stored: Vec<Stored>,
}

impl Transaction {
    /// Stores a value, or deletes where it is `None`.
    ///
    /// # Errors
    /// What storing raises; then nothing was stored.
    pub fn put(
        &mut self,
        py: Python<'_>,
        purpose: Purpose<'_>,
        slot: Slot,
        after: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let before = slot.read(py)?;
        if before.is_none() && after.is_none() {
            return Ok(());
        }
        slot.write(py, after.as_ref())?;
        self.note(purpose, slot, before, after);
        Ok(())
    }

    /// Notes a store that someone else makes (a statement's execution). Returns its number, for
    /// [`Transaction::settle`].
    pub fn note(
        &mut self,
        purpose: Purpose<'_>,
        slot: Slot,
        before: Option<Bound<'_, PyAny>>,
        after: Option<Bound<'_, PyAny>>,
    ) -> usize {
        self.stored.push(Stored {
            module: purpose.module.to_owned(),
            slot,
            before: before.map(Bound::unbind),
            after: after.map(Bound::unbind),
            label: purpose.label.to_owned(),
            patches: purpose.patches.to_vec(),
            kept: purpose.kept,
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
        });
        self.stored.len() - 1
    }

    /// Completes a note with the value that lies there now, and returns it.
    ///
    /// # Errors
    /// What reading raises.
    pub fn settle<'py>(&mut self, py: Python<'py>, number: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        let stored = &mut self.stored[number];
        let now = stored.slot.read(py)?;
        stored.after = now.clone().map(Bound::unbind);
        Ok(now)
    }

    /// All stores so far, in order.
    pub fn stored(&self) -> &[Stored] {
        &self.stored
    }

    /// How many stores there are: a place to go back to.
    pub fn savepoint(&self) -> usize {
        self.stored.len()
    }

    /// Takes back everything since a savepoint. A value that can't be put back is passed over: the rest
    /// still is.
    pub fn revert_to(&mut self, py: Python<'_>, savepoint: usize) {
        for stored in self.stored.drain(savepoint..).rev() {
            let before = stored.before.as_ref().map(|value| value.bind(py));
            stored.slot.write(py, before).ok();
        }
    }

    /// The stores made for a module that its record keeps.
    pub fn take_of(&mut self, module: &str) -> Vec<Stored> {
        let all = std::mem::take(&mut self.stored);
        let (own, others) = all.into_iter().partition(|stored| stored.kept && stored.module == module);
        self.stored = others;
        own
    }
}
