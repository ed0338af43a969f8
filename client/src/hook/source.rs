//! Where the hook's files are copied from: the site-packages of the installation that this program
//! belongs to.

use super::files::{PACKAGE, START_FILES};
use crate::error::{Error, Kind, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Environment variable that names a folder with the hook's files, instead of looking for it.
const VARIABLE: &str = "PATCHCTL_HOOK_SOURCE";

/// A file to copy.
pub struct SourceFile {
    /// Path relative to site-packages.
    pub name: String,
    pub content: Vec<u8>,
}

/// All files of the hook, those that start it last.
///
/// # Errors
/// That they are not found or can't be read.
pub fn files() -> Result<Vec<SourceFile>> {
    let folder = folder()?;
    let package = folder.join(PACKAGE);
    let mut names = Vec::new();
    let entries = fs::read_dir(&package).map_err(|error| Error::file("read", &package, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Error::file("read", &package, &error))?;
        if entry.path().is_file() {
            names.push(format!("{PACKAGE}/{}", entry.file_name().to_string_lossy()));
        }
    }
    if !names.iter().any(|name| name.ends_with(".so")) {
        let message = format!("{} has no compiled extension", package.display());
        return Err(Error::new(Kind::NotFound, message).hint(
            "install the whole package: `pip install patchctl`; an editable install leaves the hook out",
        ));
    }
    names.sort();
    names.extend(START_FILES.map(str::to_owned));
    names.into_iter().map(|name| read(&folder, name)).collect()
}

/// The compiled extension.
///
/// # Errors
/// As [`files`].
pub fn extension() -> Result<PathBuf> {
    let package = folder()?.join(PACKAGE);
    let entries = fs::read_dir(&package).map_err(|error| Error::file("read", &package, &error))?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    paths.find(|path| path.extension().is_some_and(|extension| extension == "so")).ok_or_else(|| {
        let message = format!("{} has no compiled extension", package.display());
        Error::new(Kind::NotFound, message).hint("install the whole package: `pip install patchctl`")
    })
}

fn read(folder: &Path, name: String) -> Result<SourceFile> {
    let path = folder.join(&name);
    let content = fs::read(&path).map_err(|error| Error::file("read", &path, &error))?;
    Ok(SourceFile { name, content })
}

fn folder() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        return Ok(named.into());
    }
    let own = std::env::current_exe()
        .map_err(|error| Error::new(Kind::Failed, "failed to find this program's own file").cause(error))?;
    let prefix = own.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
    candidates(prefix).into_iter().find(|folder| folder.join(PACKAGE).is_dir()).ok_or_else(|| {
        let message = format!("the hook's files are not in the installation at {}", prefix.display());
        Error::new(Kind::NotFound, message)
            .hint("install the whole package with pip, and use the patchctl in that environment's bin")
            .hint(format!("or name the folder that holds {PACKAGE} in {VARIABLE}"))
    })
}

/// The site-packages that an installation with this prefix may have.
fn candidates(prefix: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for library in ["lib", "lib64", "local/lib"] {
        let Ok(entries) = fs::read_dir(prefix.join(library)) else { continue };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with("python3") {
                found.extend(["site-packages", "dist-packages"].map(|name| entry.path().join(name)));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::candidates;

    #[test]
    fn looks_where_pip_installs() {
        let prefix = tempfile::tempdir().expect("makes a folder");
        let library = prefix.path().join("lib/python3.11");
        std::fs::create_dir_all(&library).expect("makes folders");
        std::fs::create_dir_all(prefix.path().join("lib/ruby")).expect("makes folders");
        let found = candidates(prefix.path());
        assert_eq!(found, [library.join("dist-packages"), library.join("site-packages")]);
    }
}
