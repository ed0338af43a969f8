//! The frames that run right now in all threads: who still runs old code.

use crate::interpreter;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// A frame, as far as draining is concerned.
pub struct Running<'py> {
    pub code: Bound<'py, PyAny>,
    /// `threading.get_ident()` of its thread.
    pub thread: u64,
    pub line: u32,
}

/// All frames of all threads (`sys._current_frames`), innermost first.
///
/// # Errors
/// What reading frames raises.
pub fn running(py: Python<'_>) -> PyResult<Vec<Running<'_>>> {
    let current = py.import("sys")?.getattr("_current_frames")?.call0()?.cast_into::<PyDict>()?;
    let mut found = Vec::new();
    for (thread, frame) in current.iter() {
        let thread = thread.extract()?;
        let mut frame = frame;
        while !frame.is_none() {
            let code = frame.getattr("f_code")?;
            if interpreter::is_code(&code)? {
                let line = frame.getattr("f_lineno")?.extract().unwrap_or_default();
                found.push(Running { code, thread, line });
            }
            frame = frame.getattr("f_back")?;
        }
    }
    Ok(found)
}
