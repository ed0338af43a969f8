//! Tools that watch single code objects (`sys.monitoring`, PEP 669) go on watching what takes their place.

use pyo3::prelude::*;

/// Tool identifiers are 0 to 5 (CPython's `Include/internal/pycore_interp_structs.h`,
/// `PY_MONITORING_SYS_PROFILE_ID` and above belong to the interpreter).
const TOOLS: u8 = 6;

/// Sets the events that tools watch on `old` on `new` too. Nothing up to Python 3.11.
///
/// # Errors
/// What the functions of `sys.monitoring` raise.
pub fn carry_over(old: &Bound<'_, PyAny>, new: &Bound<'_, PyAny>) -> PyResult<()> {
    let Ok(monitoring) = old.py().import("sys")?.getattr("monitoring") else { return Ok(()) };
    for tool in 0..TOOLS {
        if monitoring.call_method1("get_tool", (tool,))?.is_none() {
            continue;
        }
        let events: u32 = monitoring.call_method1("get_local_events", (tool, old))?.extract()?;
        if events != 0 {
            monitoring.call_method1("set_local_events", (tool, new, events))?;
        }
    }
    Ok(())
}
