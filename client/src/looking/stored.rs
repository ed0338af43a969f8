//! Code of files: `.pyc` files are read, sources are compiled by an interpreter; nothing is imported.

use super::subject::{Code, Found, Home, Subject};
use crate::error::{Error, Kind, Result};
use crate::interpreter::Interpreter;
use crate::offline::{finder, text};
use patchctl_codeobject::{CodeObject, Version, marshal};
use patchctl_planner::near_misses;
use patchctl_protocol::look::Place;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// A place in a module of an interpreter's packages.
///
/// # Errors
/// That the module is not there, or has no such code.
pub fn in_environment(place: &Place, python: &Path) -> Result<Found> {
    let interpreter = Interpreter::ask(python)?;
    let file = finder::code(&place.module, &interpreter.search_path)
        .map_err(|refusal| Error::new(Kind::NotFound, refusal.to_string()))?;
    let home = Home::Interpreter(interpreter.executable.clone());
    of_file(&file, &place.qualname, &home, || Ok(interpreter.clone()))
}

/// A place in a file.
///
/// # Errors
/// That the file can't be read or compiled, or has no such code.
pub fn in_file(path: &Path, qualname: &str, python: Option<&Path>) -> Result<Found> {
    let home = Home::File(path.display().to_string());
    of_file(path, qualname, &home, || Interpreter::ask(python.unwrap_or(Path::new("python3"))))
}

fn of_file(
    path: &Path,
    qualname: &str,
    home: &Home,
    interpreter: impl FnOnce() -> Result<Interpreter>,
) -> Result<Found> {
    let is_compiled = path.extension().is_some_and(|suffix| suffix == "pyc");
    let (module, version, python, text) = match is_compiled {
        true => {
            let (module, version) = compiled(path)?;
            (module, version, version.to_string(), None)
        }
        false => {
            // Missing files are said so before an interpreter is started.
            let bytes = fs::read(path).map_err(|error| Error::file("read", path, &error))?;
            drop(bytes);
            let interpreter = interpreter()?;
            let (module, version) = compile(path, &interpreter)?;
            (module, version, interpreter.version, text::read(path).ok().map(Arc::from))
        }
    };
    let object = select(&module, qualname, path)?.clone();
    let subject = Subject {
        home: home.clone(),
        python,
        version,
        live: Code { object, text },
        original: None,
        is_new: false,
        is_original_absent: false,
        patches: Vec::new(),
    };
    Ok(Found { subjects: vec![subject], others: Vec::new() })
}

fn compiled(path: &Path) -> Result<(CodeObject, Version)> {
    let bytes = fs::read(path).map_err(|error| Error::file("read", path, &error))?;
    let read = marshal::read_pyc(&bytes).map_err(|error| {
        Error::new(Kind::Malformed, format!("{} can't be read", path.display())).cause(error)
    })?;
    Ok((read.code, read.version))
}

fn compile(path: &Path, interpreter: &Interpreter) -> Result<(CodeObject, Version)> {
    let (magic, data) = interpreter.compile(path)?;
    let version = Version::from_magic(magic);
    let unreadable =
        || Error::new(Kind::Failed, format!("the code of CPython {} can't be read", interpreter.version));
    let version = version.ok_or_else(unreadable)?;
    let code = marshal::read_code(&data, version).map_err(|error| unreadable().cause(error))?;
    Ok((code, version))
}

fn select<'a>(module: &'a CodeObject, qualname: &str, path: &Path) -> Result<&'a CodeObject> {
    module.within(qualname).ok_or_else(|| {
        let names = module.qualnames();
        let near = near_misses(qualname, names.iter().map(String::as_str));
        let error = Error::new(Kind::NotFound, format!("{} has no {qualname}", path.display()));
        if near.is_empty() { error } else { error.hint(format!("did you mean {}?", near.join(" or "))) }
    })
}
