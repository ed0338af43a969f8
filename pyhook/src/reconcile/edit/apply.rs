//! Edits carried out on one code object, in order, each verified before the next.

use super::constants::Objects;
use super::convert;
use super::defaults::Change;
use super::guarded::guarded;
use super::operation::{Maker, Trouble};
use super::{refusals, tables};
use crate::interpreter;
use crate::reconcile::failures::Failure;
use crate::reconcile::refusal;
use patchctl_codeobject::edit::apply_within;
use patchctl_codeobject::{CodeObject, Location, Text, Version, verify_tree};
use patchctl_protocol::edit::{Edit, Operation};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What came of some edits.
pub struct Edited<'py> {
    pub code: Bound<'py, PyAny>,
    pub defaults: Vec<Change<'py>>,
    /// Where the source is that the edits change.
    pub places: Vec<Location>,
}

/// Applies the edits of a function to its code object. `namespace` is that of its module, once it ran.
///
/// # Errors
/// Which patch fails, and why; `None` if a value that an edit needs is not there before the module ran.
pub fn apply<'py>(
    code: &Bound<'py, PyAny>,
    edits: &[&Edit],
    namespace: Option<&Bound<'py, PyDict>>,
) -> Result<Edited<'py>, Option<Failure>> {
    let py = code.py();
    let first = edits.first().map(|edit| vec![edit.patch.clone()]).unwrap_or_default();
    let version = tables::version(py).map_err(|refusal| Some(Failure::new(&first, refusal)))?;
    let internal = |error: PyErr| {
        Some(Failure::new(&first, refusal(py, Reason::Internal, "reading a code object", &error)))
    };
    let mut objects = Objects::default();
    let original = convert::code_object(code, &mut objects).map_err(internal)?;
    let mut applying = Applying {
        py,
        version,
        namespace,
        objects,
        code: original.clone(),
        template: code,
        defaults: Vec::new(),
        places: Vec::new(),
    };
    for edit in edits {
        applying.one(edit).map_err(|trouble| match trouble {
            Trouble::Refused(refusal) => Some(Failure::new(std::slice::from_ref(&edit.patch), refusal)),
            Trouble::TooEarly => None,
        })?;
    }
    let Applying { objects, code: new, defaults, places, .. } = applying;
    let refused = |refusal| Some(Failure::new(&first, refusal));
    guarded(|| verify_tree(&new, version))
        .map_err(refused)?
        .map_err(|error| refused(Refusal::new(Reason::VerifyFailed, error.to_string())))?;
    let code = convert::changed(code, &original, &new, &objects).map_err(internal)?;
    Ok(Edited { code, defaults, places })
}

/// The same once the module has run: all values that edits may need are there.
///
/// # Errors
/// Which patch fails, and why.
pub fn apply_live<'py>(
    code: &Bound<'py, PyAny>,
    edits: &[&Edit],
    namespace: &Bound<'py, PyDict>,
) -> Result<Edited<'py>, Failure> {
    let missing = || Refusal::new(Reason::Internal, "a value of the module is not there");
    let failed =
        |failure: Option<Failure>| failure.unwrap_or_else(|| Failure::new(&patches(edits), missing()));
    apply(code, edits, Some(namespace)).map_err(failed)
}

/// Ids of the patches behind edits, by edit.
pub fn patches(edits: &[&Edit]) -> Vec<String> {
    edits.iter().map(|edit| edit.patch.clone()).collect()
}

struct Applying<'a, 'py> {
    py: Python<'py>,
    version: Version,
    namespace: Option<&'a Bound<'py, PyDict>>,
    objects: Objects<'py>,
    code: CodeObject,
    /// The code object before any edit.
    template: &'a Bound<'py, PyAny>,
    defaults: Vec<Change<'py>>,
    places: Vec<Location>,
}

impl Applying<'_, '_> {
    fn one(&mut self, edit: &Edit) -> Result<(), Trouble> {
        if let Operation::Default { name, value } = &edit.operation {
            return self.set_default(edit, name, value);
        }
        let mut maker = Maker {
            py: self.py,
            version: self.version,
            namespace: self.namespace,
            objects: &mut self.objects,
            code: &self.code,
        };
        let operation = maker.make(edit)?;
        let path: Vec<Text> = edit.within.iter().map(|name| Text::from(name.as_str())).collect();
        let done = guarded(|| apply_within(&self.code, self.version, &path, &[operation]))?
            .map_err(|error| refusals::refusal(edit, &error, &self.code.filename.to_string()))?;
        self.code = done.code;
        self.places.extend(done.places);
        for change in &done.defaults {
            let change = Change::of(change, &self.objects, self.template);
            self.defaults.push(
                change
                    .map_err(|error| refusal(self.py, Reason::Internal, "making a default value", &error))?,
            );
        }
        Ok(())
    }

    fn set_default(&mut self, edit: &Edit, name: &str, value: &str) -> Result<(), Trouble> {
        let Some(namespace) = self.namespace else { return Err(Trouble::TooEarly) };
        if !edit.within.is_empty() {
            let detail = format!(
                "{}: a nested function's defaults are made when it is defined",
                refusals::name_of(edit)
            );
            return Err(Refusal::new(Reason::EditMismatch, detail).into());
        }
        let eval = interpreter::builtins(self.py).map(|builtins| builtins.eval.bind(self.py));
        let value = eval.and_then(|eval| eval.call1((value, namespace))).map_err(|error| {
            let what = format!("{}: evaluating `{value}`", refusals::name_of(edit));
            refusal(self.py, Reason::Raised, &what, &error)
        })?;
        self.defaults.push(Change::Set(name.to_owned(), value));
        Ok(())
    }
}
