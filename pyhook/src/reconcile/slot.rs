//! Places where values lie that a plan changes: how each is read and written, whatever it is of.

use super::{contents, member, virtuals};
use crate::interpreter;
use pyo3::exceptions::{PyAttributeError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::PyString;

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
    /// The place of a class among those that are registered with an abstract base class.
    Registered(Py<PyAny>, Py<PyAny>),
}

/// The annotations of a class, once somebody has asked for them (`Objects/typeobject.c`, from 3.14 on).
pub const ANNOTATIONS_CACHE: &str = "__annotations_cache__";

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
            Self::Registered(base, class) => Self::Registered(base.clone_ref(py), class.clone_ref(py)),
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
            _ => false,
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
            _ => false,
        }
    }

    /// The address of the object of which it is a place.
    pub fn address(&self) -> usize {
        match self {
            Self::Attribute(object, _)
            | Self::Class(object, _)
            | Self::Item(object, _)
            | Self::Member(object, _)
            | Self::Registered(object, _)
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
            Self::Registered(base, class) => return virtuals::read(base.bind(py), class.bind(py)),
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
            // Whoever asked since was answered by the function that goes.
            (Self::Class(_, name), ..) if name == ANNOTATIONS_CACHE => Some(before.cloned()),
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
            (Self::Registered(base, class), value) => {
                virtuals::write(base.bind(py), class.bind(py), value.is_some())
            }
        }
    }
}
