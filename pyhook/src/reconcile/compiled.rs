//! The compiled text of a module that is imported with its patches: to compile a large one takes as long as
//! many imports, so it is kept as the interpreter keeps those of its modules (PEP 3147, PEP 552), beside the
//! readable copy of the text, in the daemon's folder. Behind the code stands its own hash: what a machine that
//! lost its power left of a file is not given to the interpreter.

use crate::{interpreter, place};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

/// PEP 552: the file belongs to a text, which is not looked at to tell whether it is current.
const UNCHECKED_HASH: u32 = 0b01;
/// Largest file that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// The code of a text whose readable copy is `copy`, as kept or compiled anew.
///
/// # Errors
/// What compiling raises.
pub fn code<'py>(py: Python<'py>, source: &str, copy: &str) -> PyResult<Bound<'py, PyAny>> {
    let Ok(Some(place)) = Place::of(py, source, copy) else {
        return interpreter::compile(py, source, copy);
    };
    if let Some(code) = place.read(py) {
        return Ok(code);
    }
    let code = interpreter::compile(py, source, copy)?;
    // Without it the next import compiles too.
    place.write(&code).ok();
    Ok(code)
}

/// Where a text's code is kept, and the header that the file has to begin with.
struct Place {
    path: PathBuf,
    magic: [u8; 4],
    header: Vec<u8>,
}

impl Place {
    /// `None` where the interpreter keeps its own elsewhere, or nowhere.
    fn of(py: Python<'_>, source: &str, copy: &str) -> PyResult<Option<Self>> {
        let sys = py.import("sys")?;
        if !sys.getattr("pycache_prefix")?.is_none() {
            return Ok(None);
        }
        let external = py.import("_frozen_importlib_external")?;
        let path: PathBuf = external.call_method1("cache_from_source", (copy,))?.extract::<String>()?.into();
        let magic: [u8; 4] = external.getattr("MAGIC_NUMBER")?.extract()?;
        let of_text = hash(py, magic, source.as_bytes())?;
        let header = [&magic[..], &UNCHECKED_HASH.to_le_bytes(), &of_text].concat();
        Ok(Some(Self { path, magic, header }))
    }

    /// The code that is kept, if the file is this text's, whole, and nobody else may have written it.
    fn read<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let file = File::open(&self.path).ok().filter(place::is_trusted)?;
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes).ok()?;
        let (marshalled, own) = bytes.strip_prefix(&self.header[..])?.split_last_chunk()?;
        if hash(py, self.magic, marshalled).ok()? != *own {
            return None;
        }
        let code = py.import("marshal").ok()?.call_method1("loads", (PyBytes::new(py, marshalled),)).ok()?;
        interpreter::is_code(&code).ok()?.then_some(code)
    }

    fn write(&self, code: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = code.py();
        if py.import("sys")?.getattr("dont_write_bytecode")?.is_truthy()? {
            return Ok(());
        }
        let marshalled = py.import("marshal")?.call_method1("dumps", (code,))?.cast_into::<PyBytes>()?;
        let marshalled = marshalled.as_bytes();
        Ok(self.replace(&[&self.header, marshalled, &hash(py, self.magic, marshalled)?[..]].concat())?)
    }

    /// Puts the file in its place, whole, as readable as the copy of the text.
    fn replace(&self, content: &[u8]) -> io::Result<()> {
        let folder = self.path.parent().ok_or(io::ErrorKind::NotFound)?;
        let outer = folder.parent().ok_or(io::ErrorKind::NotFound)?;
        let mode = fs::metadata(outer)?.mode();
        match DirBuilder::new().mode(mode & 0o755).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let new = self.path.with_extension(format!("{}.tmp", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode & 0o644).open(&new)?;
        let placed = file.write_all(content).and_then(|()| fs::rename(&new, &self.path));
        placed.inspect_err(|_| drop(fs::remove_file(&new)))
    }
}

/// The hash by which the interpreter tells texts (`_imp.source_hash`).
fn hash(py: Python<'_>, magic: [u8; 4], bytes: &[u8]) -> PyResult<[u8; 8]> {
    let key = u32::from_le_bytes(magic);
    py.import("_imp")?.call_method1("source_hash", (key, PyBytes::new(py, bytes)))?.extract()
}
