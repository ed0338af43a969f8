//! Who this process is, as it tells the daemon.

use crate::interpreter;
use patchctl_protocol::PROTOCOL;
use patchctl_protocol::hook::Hello;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// A hello with what `sys` says now; `attached` if the hook came into a process that ran already.
pub fn fresh(py: Python<'_>, attached: bool) -> Hello {
    py.import("sys").and_then(|sys| of(&sys, attached)).unwrap_or_default()
}

fn of(sys: &Bound<'_, PyModule>, attached: bool) -> PyResult<Hello> {
    let version = sys.getattr("version_info")?;
    let part = |index: usize| version.get_item(index).and_then(|part| part.extract::<u32>());
    let text = |name: &str| interpreter::text(sys.as_any(), name).unwrap_or_default();
    Ok(Hello {
        protocol: PROTOCOL,
        python: format!("{}.{}.{}", part(0)?, part(1)?, part(2)?),
        implementation: interpreter::text(&sys.getattr("implementation")?, "name").unwrap_or_default(),
        free_threaded: false,
        prefix: text("prefix"),
        executable: text("executable"),
        attached,
        refusal: None,
        search_path: search_path(sys),
    })
}

/// The texts in `sys.path`.
fn search_path(sys: &Bound<'_, PyModule>) -> Vec<String> {
    let path = sys.getattr("path").ok().and_then(|path| path.cast_into::<PyList>().ok());
    path.map(|path| path.iter().filter_map(|entry| entry.extract().ok()).collect()).unwrap_or_default()
}
