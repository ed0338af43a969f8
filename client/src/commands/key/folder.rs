//! The folder of keys of a daemon: public ones, which it trusts, and secret ones, which sign.

use crate::daemon::Places;
use crate::error::{Error, Kind, Result};
use patchctl_protocol::location::Scope;
use patchctl_signature::{Public, Secret};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder.
pub struct Keys {
    folder: PathBuf,
    open: bool,
}

impl Keys {
    /// That of the daemon that commands speak to.
    #[must_use]
    pub fn of(places: &Places) -> Self {
        let location = places.running().ok().flatten().map_or_else(|| places.own(), |(_, location)| location);
        Self { folder: location.keys(), open: location.scope == Scope::Machine }
    }

    /// Path of a file of it.
    #[must_use]
    pub fn path(&self, name: &str, suffix: &str) -> PathBuf {
        self.folder.join(format!("{name}.{suffix}"))
    }

    /// Names and keys, in order of names.
    ///
    /// # Errors
    /// That the folder or a file in it can't be read.
    pub fn all(&self) -> Result<Vec<(String, Public)>> {
        let listed = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed.map_err(|error| Error::file("list", &self.folder, &error))?,
        };
        let paths = listed.filter_map(|item| Some(item.ok()?.path()));
        let mut paths: Vec<PathBuf> =
            paths.filter(|path| path.extension().is_some_and(|it| it == "pub")).collect();
        paths.sort_unstable();
        paths.iter().map(|path| Ok((stem(path), public(path)?))).collect()
    }

    /// Writes a new file.
    ///
    /// # Errors
    /// That there is one already, or it can't be written.
    pub fn write(&self, name: &str, suffix: &str, text: &str, mode: u32) -> Result<PathBuf> {
        check_name(name)?;
        let failed = |error| Error::file("make the folder", &self.folder, &error);
        let folder_mode = if self.open { 0o755 } else { 0o700 };
        DirBuilder::new().recursive(true).mode(folder_mode).create(&self.folder).map_err(failed)?;
        let path = self.path(name, suffix);
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| Error::file("write", &path, &error))?;
        Ok(path)
    }

    /// Mode of public keys: readable by all where the daemon is the machine's.
    #[must_use]
    pub fn public_mode(&self) -> u32 {
        if self.open { 0o644 } else { 0o600 }
    }

    /// A secret key, by its name here or by the path of its file.
    ///
    /// # Errors
    /// That it is not there, or is none.
    pub fn secret(&self, given: &str) -> Result<Secret> {
        let path = if given.contains('/') { PathBuf::from(given) } else { self.path(given, "key") };
        let text = fs::read_to_string(&path).map_err(|error| {
            Error::file("read", &path, &error).hint("`patchctl key generate NAME` makes a key")
        })?;
        Secret::parse(&text).map_err(|error| malformed(&path, &error))
    }
}

/// A public key in a file.
///
/// # Errors
/// That it can't be read, or is none.
pub fn public(path: &Path) -> Result<Public> {
    let text = fs::read_to_string(path).map_err(|error| Error::file("read", path, &error))?;
    Public::parse(&text).map_err(|error| malformed(path, &error))
}

/// A file's name without its suffix.
pub fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn malformed(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Malformed, format!("{}: {error}", path.display()))
}

fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(Error::new(Kind::Usage, format!("`{name}` can't be the name of a key"))
            .hint("a name has letters, digits and `_`, `-`, `.`, `@`"));
    }
    Ok(())
}
