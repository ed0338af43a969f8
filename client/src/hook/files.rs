//! The hook's files by name, and writing one of them so that no reader ever sees a part of it.

use crate::error::{Error, Result};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The Python package.
pub const PACKAGE: &str = "patchctl_hook";

/// What starts the hook, up to Python 3.14 and from 3.15 on; written last and removed first.
pub const START_FILES: [&str; 2] = ["patchctl.pth", "patchctl.start"];

/// Replaces a file atomically, so that a process that has the old one mapped keeps it whole.
///
/// # Errors
/// That the folder can't be written.
pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let failed = |error| Error::file("write", path, &error);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::Builder::new().prefix(".patchctl-").tempfile_in(folder).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
