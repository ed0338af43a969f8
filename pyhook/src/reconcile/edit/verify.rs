//! The verifier on code objects that the interpreter compiled itself, before they are put in place: it is the
//! last word on whatever reconcile stores.

use super::constants::Objects;
use super::guarded::guarded;
use super::{convert, tables};
use patchctl_codeobject::verify_tree;
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;

/// Whether a code object and all within it are safe to run. Interpreters whose bytecode is not known have
/// their own word only.
///
/// # Errors
/// `verify-failed` with the defect.
pub fn verify(code: &Bound<'_, PyAny>) -> Result<(), Refusal> {
    let py = code.py();
    let Some(version) = tables::version_by_magic(py) else { return Ok(()) };
    let tree = convert::code_object(code, &mut Objects::default());
    let tree = tree.map_err(|error| super::super::refusal(py, Reason::Internal, "reading code", &error))?;
    let verified = guarded(|| verify_tree(&tree, version))?;
    verified.map(drop).map_err(|error| Refusal::new(Reason::VerifyFailed, error.to_string()))
}
