//! Modules that were found and will be loaded by a loader which can't be given patched code: they are looked
//! at once they are there.

use crate::interpreter;
use pyo3::prelude::*;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Their names, and until when they are waited for. Locked only with the GIL held and never across a call into
/// Python.
static EXPECTED: Mutex<Vec<(String, Instant)>> = Mutex::new(Vec::new());

/// How long a module that was found may take to appear in `sys.modules`; most appear at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// Notes that a module was found and will be loaded.
pub fn add(_: Python<'_>, name: &str) {
    let until = Instant::now() + PATIENCE;
    EXPECTED.lock().unwrap_or_else(PoisonError::into_inner).push((name.to_owned(), until));
}

/// Whether some module that was found is still to appear.
pub fn is_any(py: Python<'_>) -> bool {
    let mut expected = std::mem::take(&mut *EXPECTED.lock().unwrap_or_else(PoisonError::into_inner));
    let now = Instant::now();
    let appeared = |name: &str| interpreter::namespace(py, name).is_ok_and(|found| found.is_some());
    expected.retain(|(name, until)| *until > now && !appeared(name));
    let any = !expected.is_empty();
    EXPECTED.lock().unwrap_or_else(PoisonError::into_inner).append(&mut expected);
    any
}
