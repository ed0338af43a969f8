//! Stores that can be taken back: each with the value before, so that reverting in reverse order leaves
//! everything as it was.

use super::{contents, member};
use crate::interpreter;
use pyo3::exceptions::{PyAttributeError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where a value lies.
pub enum Slot {
    /// An attribute, stored by `setattr`.
    Attribute(Py<PyAny>, String),
    /// An attribute of a class, stored past its metaclass's own `__setattr__`.
    Class(Py<PyAny>, String),
    /// An item of a container.
    Item(Py<PyAny>, Py<PyAny>),
    /// The place of a list, or of a set, where any of some objects stands.
    Member(Py<PyAny>, Vec<Py<PyAny>>),
    /// All that a container holds; its value is a copy.
    Contents(Py<PyAny>),
}

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

impl Slot {
    /// Another handle on the same place.
    pub fn again(&self, py: Python<'_>) -> Self {
        match self {
            Self::Attribute(object, name) => Self::Attribute(object.clone_ref(py), name.clone()),
            Self::Class(class, name) => Self::Class(class.clone_ref(py), name.clone()),
            Self::Item(container, key) => Self::Item(container.clone_ref(py), key.clone_ref(py)),
            Self::Member(container, objects) => {
                let objects = objects.iter().map(|object| object.clone_ref(py)).collect();
                Self::Member(container.clone_ref(py), objects)
            }
            Self::Contents(container) => Self::Contents(container.clone_ref(py)),
        }
    }

    /// Whether it is the place of this name in a namespace or a class. Runs no code but the comparison of
    /// two texts.
    pub fn is_of(&self, py: Python<'_>, container: &Bound<'_, PyAny>, name: &str) -> bool {
        match self {
            Self::Attribute(object, own) | Self::Class(object, own) => {
                object.bind(py).is(container) && own == name
            }
            Self::Item(object, key) => {
                let key = key.bind(py).cast_exact::<PyString>().ok();
                object.bind(py).is(container)
                    && key.is_some_and(|key| key.to_cow().is_ok_and(|key| key == name))
            }
            Self::Member(..) | Self::Contents(_) => false,
        }
    }

    /// Whether both are one place. Runs no code but the comparison of two texts.
    pub fn is_same(&self, py: Python<'_>, other: &Self) -> bool {
        match other {
            Self::Attribute(object, name) | Self::Class(object, name) => {
                self.is_of(py, object.bind(py), name)
            }
            Self::Item(object, key) => key
                .bind(py)
                .cast_exact::<PyString>()
                .is_ok_and(|key| key.to_cow().is_ok_and(|key| self.is_of(py, object.bind(py), &key))),
            Self::Member(..) | Self::Contents(_) => false,
        }
    }

    /// The address of the object of which it is a place.
    pub fn address(&self) -> usize {
        match self {
            Self::Attribute(object, _)
            | Self::Class(object, _)
            | Self::Item(object, _)
            | Self::Member(object, _)
            | Self::Contents(object) => object.as_ptr() as usize,
        }
    }

    /// The value that lies there now.
    ///
    /// # Errors
    /// What reading raises, other than that there is none.
    pub fn read<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let value = match self {
            Self::Attribute(object, name) => object.bind(py).getattr(name.as_str()),
            Self::Class(class, name) => class.bind(py).getattr("__dict__")?.get_item(name),
            Self::Item(container, key) => container.bind(py).get_item(key),
            Self::Member(container, objects) => return member::read(container.bind(py), objects),
            Self::Contents(container) => return contents::copy(container.bind(py)).map(Some),
        };
        match value {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_instance_of::<PyKeyError>(py) => Ok(None),
            Err(error) if error.is_instance_of::<PyAttributeError>(py) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is to lie there once a store is taken back, where `now` lies there: nothing where somebody else has
    /// changed it since.
    ///
    /// # Errors
    /// What reading a container raises.
    pub fn without<'py>(
        &self,
        now: Option<&Bound<'py, PyAny>>,
        before: Option<&Bound<'py, PyAny>>,
        after: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Option<Bound<'py, PyAny>>>> {
        Ok(match (self, now, before, after) {
            (Self::Contents(_), Some(now), Some(before), Some(after)) => {
                Some(Some(contents::without(now, before, after)?))
            }
            (_, Some(now), _, Some(after)) => now.is(after).then(|| before.cloned()),
            (_, None, _, None) => Some(before.cloned()),
            _ => None,
        })
    }

    /// Stores or deletes.
    ///
    /// # Errors
    /// What storing raises.
    pub fn write(&self, py: Python<'_>, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let builtins = interpreter::builtins(py)?;
        match (self, value) {
            (Self::Attribute(object, name), Some(value)) => object.bind(py).setattr(name.as_str(), value),
            (Self::Attribute(object, name), None) => object.bind(py).delattr(name.as_str()),
            (Self::Class(class, name), Some(value)) => {
                builtins.type_setattr.call1(py, (class, name, value)).map(drop)
            }
            (Self::Class(class, name), None) => builtins.type_delattr.call1(py, (class, name)).map(drop),
            (Self::Item(container, key), Some(value)) => container.bind(py).set_item(key, value),
            (Self::Item(container, key), None) => container.bind(py).del_item(key),
            (Self::Member(container, objects), value) => member::write(container.bind(py), objects, value),
            (Self::Contents(container), Some(value)) => contents::store(container.bind(py), value),
            (Self::Contents(_), None) => Ok(()),
        }
    }
}

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
