//! What statements that are executed anew say of types (`NAME: TYPE = VALUE`): it belongs into the annotations of
//! the module or of the class, as its body would have put it there. Where annotations are computed when asked for
//! (PEP 649), by one function for the whole body, they stay, and are told.

use super::executor::Executor;
use super::slot::Slot;
use super::transaction::{Purpose, Transaction};
use patchctl_protocol::plan::{Stale, Step};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

const ANNOTATIONS: &str = "__annotations__";
/// What computes the annotations of a body, and what of it was executed (`Python/codegen.c`, from 3.14 on).
const COMPUTING: [&str; 3] = ["__annotate__", "__annotate_func__", "__conditional_annotations__"];

/// What a namespace had of this before a statement was executed in it.
pub struct Kept<'py>(Vec<(&'static str, Option<Bound<'py, PyAny>>)>);

impl<'py> Kept<'py> {
    pub fn of(namespace: &Bound<'py, PyDict>) -> PyResult<Self> {
        let values = COMPUTING.iter().map(|name| Ok((*name, namespace.get_item(name)?)));
        values.collect::<PyResult<_>>().map(Self)
    }

    /// Puts it back; whether the statement had put anything there.
    fn put_back(self, namespace: &Bound<'py, PyDict>) -> PyResult<bool> {
        let mut changed = false;
        for (name, before) in self.0 {
            let now = namespace.get_item(name)?;
            match (&before, &now) {
                (Some(before), Some(now)) if before.is(now) => continue,
                (None, None) => continue,
                (Some(before), _) => namespace.set_item(name, before)?,
                (None, Some(_)) => namespace.del_item(name)?,
            }
            changed = true;
        }
        Ok(changed)
    }
}

impl<'py> Executor<'_, 'py, '_> {
    /// Notes the annotations of the module that a statement may bring.
    pub(super) fn note_annotations(
        &self,
        py: Python<'py>,
        step: &Step,
        transaction: &mut Transaction,
    ) -> PyResult<Vec<usize>> {
        let namespace = &self.module.namespace;
        let purpose = Purpose::kept(&self.module.key, "", &step.patches);
        let item = |container: Bound<'py, PyAny>, key: &str| {
            Slot::Item(container.unbind(), PyString::new(py, key).into_any().unbind())
        };
        let slots = match namespace.get_item(ANNOTATIONS)? {
            Some(own) if own.is_exact_instance_of::<PyDict>() => {
                step.binds.iter().map(|name| item(own.clone(), name)).collect()
            }
            Some(_) => Vec::new(),
            None => vec![item(namespace.clone().into_any(), ANNOTATIONS)],
        };
        let note = |slot: Slot| {
            let before = slot.read(py)?;
            Ok(transaction.note(purpose, slot, before, None))
        };
        slots.into_iter().map(note).collect()
    }

    /// After the statement.
    pub(super) fn keep_module_annotations(
        &mut self,
        py: Python<'py>,
        step: &Step,
        (notes, kept): (Vec<usize>, Kept<'py>),
        transaction: &mut Transaction,
    ) -> PyResult<()> {
        for note in notes {
            transaction.settle(py, note)?;
        }
        if kept.put_back(&self.module.namespace)? {
            self.annotations_stay(step);
        }
        Ok(())
    }

    pub(super) fn annotations_stay(&mut self, step: &Step) {
        let file = self.module.namespace.get_item("__file__").ok().flatten();
        let file: Option<String> = file.and_then(|file| file.extract().ok());
        self.stale.extend(step.binds.iter().map(|name| Stale {
            name: step.label(name),
            line: step.line,
            because: Stale::ANNOTATION.to_owned(),
            file: file.clone(),
        }));
    }
}
