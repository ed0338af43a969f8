//! Putting the hook into an interpreter's site-packages without pip, and taking it out.

use super::files::{START_FILES, replace};
use super::marker::{FILE_NAME, Marker, digest_of};
use super::owner::Owner;
use super::source;
use crate::error::{Error, Kind, Result};
use crate::interpreter::Interpreter;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Oldest version that the hook runs in.
const OLDEST: (u32, u32) = (3, 9);

/// Why the hook can't serve an interpreter, if so.
#[must_use]
pub fn support(interpreter: &Interpreter) -> Option<String> {
    let Interpreter { version, implementation, .. } = interpreter;
    if implementation != "cpython" {
        return Some(format!("{implementation} {version} is no CPython; its functions hold other code"));
    }
    if interpreter.minor < OLDEST {
        return Some(format!("Python {version} is older than {}.{}", OLDEST.0, OLDEST.1));
    }
    if interpreter.free_threaded {
        return Some(format!("Python {version} is a free-threaded build; the hook relies on the GIL"));
    }
    None
}

/// Writes the hook's files and the marker, the start files last. Over an older install of its own it
/// replaces them and removes those that are no longer part of the hook.
///
/// # Errors
/// That the interpreter is not supported, that pip put the hook there, or that a file can't be written.
pub fn install(interpreter: &Interpreter) -> Result<Marker> {
    if let Some(reason) = support(interpreter) {
        return Err(Error::new(Kind::Refused, reason));
    }
    let folder = &interpreter.site_packages;
    let before = match Owner::of(folder)? {
        Owner::Pip { .. } => return Err(owned_by_pip(interpreter, "install --upgrade")),
        Owner::Patchctl(marker) => Some(marker),
        Owner::Nobody | Owner::Unknown => None,
    };
    check_searched(interpreter)?;
    let files = source::files()?;
    let digests = files.iter().map(|file| (file.name.clone(), patchctl_planner::digest(&file.content)));
    let marker = Marker { version: env!("CARGO_PKG_VERSION").to_owned(), files: digests.collect() };
    marker.write(folder)?;
    for file in &files {
        replace(&folder.join(&file.name), &file.content)?;
    }
    for name in before.iter().flat_map(|marker| marker.files.keys()) {
        if !marker.files.contains_key(name) {
            remove_file(&folder.join(name))?;
        }
    }
    Ok(marker)
}

/// A folder that `site` does not read would be left without effect.
fn check_searched(interpreter: &Interpreter) -> Result<()> {
    let folder = &interpreter.site_packages;
    let same = |entry: &String| {
        Path::new(entry) == folder || fs::canonicalize(entry).ok() == fs::canonicalize(folder).ok()
    };
    if interpreter.search_path.iter().any(same) {
        return Ok(());
    }
    let message = format!("{} does not search {}", interpreter.executable, folder.display());
    Err(Error::new(Kind::Refused, message).hint("name the virtual environment's own interpreter"))
}

fn owned_by_pip(interpreter: &Interpreter, doing: &str) -> Error {
    let message = format!("pip put the hook into {}", interpreter.site_packages.display());
    Error::new(Kind::Refused, message).hint(format!("`{} -m pip {doing} patchctl`", interpreter.executable))
}

/// What was taken out, and what was left because somebody changed it.
#[derive(Debug, Default, serde::Serialize)]
pub struct Removed {
    pub removed: Vec<PathBuf>,
    pub left: Vec<PathBuf>,
}

/// Takes out what the marker lists; `None` if there is nothing of ours.
///
/// # Errors
/// That pip put the hook there, or that a file can't be removed.
pub fn uninstall(interpreter: &Interpreter) -> Result<Option<Removed>> {
    let folder = &interpreter.site_packages;
    let marker = match Owner::of(folder)? {
        Owner::Pip { .. } => return Err(owned_by_pip(interpreter, "uninstall")),
        Owner::Patchctl(marker) => marker,
        Owner::Nobody => return Ok(None),
        Owner::Unknown => {
            let message = format!("the hook in {} has no list of its files", folder.display());
            return Err(Error::new(Kind::Refused, message)
                .hint("`patchctl hook install` writes it anew; then uninstall works"));
        }
    };
    let mut done = Removed::default();
    let names = marker.files.keys().map(String::as_str);
    let (first, then): (Vec<_>, Vec<_>) = names.partition(|name| START_FILES.contains(name));
    for name in first.into_iter().chain(then) {
        let path = folder.join(name);
        match digest_of(&path) {
            None => {}
            Some(digest) if digest == marker.files[name] => {
                remove_file(&path)?;
                done.removed.push(path);
            }
            Some(_) => done.left.push(path),
        }
    }
    remove_folders(folder, &marker)?;
    remove_file(&folder.join(FILE_NAME))?;
    Ok(Some(done))
}

/// Removes the bytecode that interpreters made of our files, and the folders that are then empty.
fn remove_folders(site_packages: &Path, marker: &Marker) -> Result<()> {
    let parents = marker.files.keys().filter_map(|name| Path::new(name).parent());
    let folders: BTreeSet<&Path> = parents.filter(|folder| !folder.as_os_str().is_empty()).collect();
    for folder in folders.into_iter().rev() {
        let folder = site_packages.join(folder);
        let cache = folder.join("__pycache__");
        for entry in fs::read_dir(&cache).into_iter().flatten().flatten() {
            if is_bytecode_of(&entry.file_name().to_string_lossy(), marker) {
                remove_file(&entry.path())?;
            }
        }
        for empty in [&cache, &folder] {
            match fs::remove_dir(empty) {
                Err(error) if !is_kept(&error) => return Err(Error::file("remove", empty, &error)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether `__init__.cpython-311.pyc` is made of a file that the marker lists.
fn is_bytecode_of(cached: &str, marker: &Marker) -> bool {
    let stem = cached.split('.').next().unwrap_or(cached);
    let source = format!("/{stem}.py");
    cached.ends_with(".pyc") && marker.files.keys().any(|name| name.ends_with(&source))
}

fn is_kept(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound)
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("remove", path, &error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod tests;
