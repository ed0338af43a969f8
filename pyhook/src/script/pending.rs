//! The script that is still to come: whether it has patches.

use super::evaluator;
use crate::desired;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::path::Path;

/// At the start of the process: expects the script if one is named that has patches.
pub fn expect(sys: &Bound<'_, PyModule>) -> PyResult<()> {
    let first = sys.getattr("argv")?.get_item(0)?.cast_into_exact::<PyString>()?;
    let first = first.to_cow()?;
    let path = Path::new(first.as_ref());
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    if stem.is_some_and(desired::names) && path.is_file() {
        evaluator::arm(sys.py());
    }
    Ok(())
}

/// Whether the script has still to begin: what it changes is not there to be changed.
pub fn is_pending() -> bool {
    evaluator::is_armed()
}
