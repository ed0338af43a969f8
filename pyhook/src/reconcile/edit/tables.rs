//! Whether the running interpreter is one whose bytecode is known: asked once, and only where compiled code
//! is edited.

use patchctl_codeobject::Version;
use patchctl_codeobject::tables::{Table, digest, table};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyList;

static KNOWN: PyOnceLock<Result<Version, String>> = PyOnceLock::new();

/// The version whose tables fit the interpreter.
///
/// # Errors
/// `unsupported-python` where none does.
pub fn version(py: Python<'_>) -> Result<Version, Refusal> {
    let known = KNOWN.get_or_init(py, || match compare(py) {
        Ok(known) => known,
        Err(error) => Err(format!("its instructions can't be read: {error}")),
    });
    known.clone().map_err(|detail| Refusal::new(Reason::UnsupportedPython, detail))
}

/// The version whose bytecode files are the interpreter's: no module is imported to find out.
pub fn version_by_magic(py: Python<'_>) -> Option<Version> {
    static FOUND: PyOnceLock<Option<Version>> = PyOnceLock::new();
    *FOUND.get_or_init(py, || {
        let version = of_interpreter(py)?;
        (magic(py).ok()? == table(version).magic()).then_some(version)
    })
}

/// Compares magic number and instructions with the tables.
fn compare(py: Python<'_>) -> PyResult<Result<Version, String>> {
    let Some(version) = of_interpreter(py) else {
        let running = py.version_info();
        let detail = format!("the bytecode of Python {}.{} is not known", running.major, running.minor);
        return Ok(Err(detail));
    };
    let table = table(version);
    let other = |what: &str| Ok(Err(format!("its {what} are not those of CPython {version}")));
    if magic(py)? != table.magic() {
        return other("bytecode files");
    }
    if !has_instructions_of(py, table)? {
        return other("instructions");
    }
    Ok(Ok(version))
}

/// The version that the interpreter says it is.
fn of_interpreter(py: Python<'_>) -> Option<Version> {
    let running = py.version_info();
    Version::new(running.major.into(), running.minor.into())
}

/// The number that `.pyc` files begin with.
fn magic(py: Python<'_>) -> PyResult<u16> {
    let bytes: Vec<u8> = py.import("_frozen_importlib_external")?.getattr("MAGIC_NUMBER")?.extract()?;
    Ok(bytes.get(..2).map_or(0, |pair| u16::from_le_bytes([pair[0], pair[1]])))
}

/// `opcode._inline_cache_entries` is missing up to 3.10, a list up to 3.12, then a mapping.
fn has_instructions_of(py: Python<'_>, table: &Table) -> PyResult<bool> {
    let opcode = py.import("opcode")?;
    let counts = opcode.getattr("_inline_cache_entries").ok();
    let mut rows = Vec::new();
    // Mappings of their own types from 3.15 on.
    for row in opcode.getattr("opmap")?.call_method0("items")?.try_iter()? {
        let (name, number): (String, u32) = row?.extract()?;
        let caches = match &counts {
            None => 0,
            Some(counts) => match counts.cast::<PyList>() {
                Ok(list) => list.get_item(number as usize).map_or(Ok(0), |count| count.extract())?,
                Err(_) => counts.call_method1("get", (&name, 0))?.extract()?,
            },
        };
        rows.push((name, number, caches));
    }
    let found = digest(rows.iter().map(|(name, number, caches)| (name.as_str(), *number, *caches)));
    Ok(found == table.digest())
}
