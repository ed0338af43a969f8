//! Who still runs old code: frames of all threads, and suspended generators and coroutines, which no thread
//! has on its stack.

use super::codes;
use crate::interpreter;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::fmt;

/// A frame, as far as draining is concerned.
pub struct Running<'py> {
    pub code: Bound<'py, PyAny>,
    pub holder: Holder,
    pub line: u32,
}

/// What holds a frame.
pub enum Holder {
    /// `threading.get_ident()` of its thread.
    Thread(u64),
    /// A generator, coroutine or asynchronous generator, by its type's name.
    Suspended(&'static str),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thread(ident) => write!(f, "thread {ident}"),
            Self::Suspended(sort) => write!(f, "a suspended {sort}"),
        }
    }
}

/// The innermost frame of each thread, by `threading.get_ident()` (`sys._current_frames`).
///
/// # Errors
/// What the call raises.
pub fn innermost(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    Ok(py.import("sys")?.getattr("_current_frames")?.call0()?.cast_into::<PyDict>()?)
}

/// A frame and its callers, innermost first; nothing for `None`. It ends where reading one raises.
pub fn outwards<'py>(frame: Bound<'py, PyAny>) -> impl Iterator<Item = PyResult<Bound<'py, PyAny>>> {
    let some = |frame: &PyResult<Bound<'py, PyAny>>| !frame.as_ref().is_ok_and(|frame| frame.is_none());
    std::iter::successors(Some(Ok(frame)).filter(some), move |frame| {
        Some(frame.as_ref().ok()?.getattr("f_back")).filter(some)
    })
}

/// All frames of all threads, innermost first.
///
/// # Errors
/// What reading frames raises.
pub fn running(py: Python<'_>) -> PyResult<Vec<Running<'_>>> {
    let mut found = Vec::new();
    for (thread, frame) in innermost(py)?.iter() {
        let thread = thread.extract()?;
        for frame in outwards(frame) {
            let frame = frame?;
            let code = frame.getattr("f_code")?;
            if interpreter::is_code(&code)? {
                let line = frame.getattr("f_lineno")?.extract().unwrap_or_default();
                found.push(Running { code, holder: Holder::Thread(thread), line });
            }
        }
    }
    Ok(found)
}

/// The types whose objects keep a frame between calls: name, attribute of the code, attribute of the frame.
const SUSPENDED: [(&str, &str, &str); 3] = [
    ("generator", "gi_code", "gi_frame"),
    ("coroutine", "cr_code", "cr_frame"),
    ("async_generator", "ag_code", "ag_frame"),
];

/// Suspended frames of some code objects, found by one pass over the garbage collector's objects.
///
/// # Errors
/// What reading frames raises.
pub fn suspended<'py>(py: Python<'py>, codes: &[Bound<'py, PyAny>]) -> PyResult<Vec<Running<'py>>> {
    let mut found = Vec::new();
    // Frames of plain functions live no longer than their calls, and a pass takes its time.
    let codes: Vec<_> =
        codes.iter().filter(|code| codes::kind(code).is_ok_and(|kind| kind != 0)).cloned().collect();
    if codes.is_empty() {
        return Ok(found);
    }
    for object in interpreter::referrers(py, &codes)?.iter() {
        let sort = object.get_type().name()?.to_string();
        let Some((sort, code, frame)) = SUSPENDED.into_iter().find(|(name, ..)| *name == sort) else {
            continue;
        };
        let (Ok(code), Ok(frame)) = (object.getattr(code), object.getattr(frame)) else { continue };
        if !frame.is_none() && codes.iter().any(|other| other.is(&code)) {
            let line = frame.getattr("f_lineno")?.extract().unwrap_or_default();
            found.push(Running { code, holder: Holder::Suspended(sort), line });
        }
    }
    Ok(found)
}
