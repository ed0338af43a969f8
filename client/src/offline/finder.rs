//! Finding a module's file in the folders of `sys.path` by the rules of `importlib`'s path finder, without
//! importing anything. Path hooks and import hooks of editable installs are not followed.

use patchctl_planner::near_misses;
use patchctl_protocol::state::{Reason, Refusal};
use std::fs;
use std::path::{Path, PathBuf};

/// A module with source.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub file: PathBuf,
    pub is_package: bool,
}

/// Finds a module.
///
/// # Errors
/// `target-not-found` with near misses, `not-python-code` for an extension, `needs-source` for bytecode
/// without source.
pub fn find(module: &str, search_path: &[String]) -> Result<Found, Refusal> {
    match locate(module, search_path)? {
        Located::Source(found) => Ok(found),
        Located::Extension(file) => {
            Err(refusal(module, Reason::NotPythonCode, &file, "a compiled extension"))
        }
        Located::Bytecode(file) => {
            Err(refusal(module, Reason::NeedsSource, &file, "bytecode without its source"))
        }
    }
}

/// Finds the file that holds a module's code: its source, or its bytecode where there is none.
///
/// # Errors
/// `target-not-found` with near misses, `not-python-code` for an extension.
pub fn code(module: &str, search_path: &[String]) -> Result<PathBuf, Refusal> {
    match locate(module, search_path)? {
        Located::Source(found) => Ok(found.file),
        Located::Bytecode(file) => Ok(file),
        Located::Extension(file) => {
            Err(refusal(module, Reason::NotPythonCode, &file, "a compiled extension"))
        }
    }
}

/// What a module's name leads to.
enum Located {
    Source(Found),
    Bytecode(PathBuf),
    Extension(PathBuf),
}

fn refusal(module: &str, reason: Reason, file: &Path, what: &str) -> Refusal {
    Refusal::new(reason, format!("{module} is {what} ({})", file.display()))
}

fn locate(module: &str, search_path: &[String]) -> Result<Located, Refusal> {
    let mut folders: Vec<PathBuf> = search_path.iter().map(PathBuf::from).collect();
    let (parents, name) = module.rsplit_once('.').map_or(("", module), |(parents, name)| (parents, name));
    let mut known = String::new();
    for parent in parents.split('.').filter(|part| !part.is_empty()) {
        match package(parent, &folders) {
            inside if inside.is_empty() => return Err(not_found(module, &known, &folders)),
            inside => folders = inside,
        }
        known.push_str(parent);
        known.push('.');
    }
    let found = folders.iter().find_map(|folder| in_folder(name, folder));
    found.ok_or_else(|| not_found(module, &known, &folders))
}

/// The folders of a package: one for a regular package, any number for a namespace package.
fn package(name: &str, folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut portions = Vec::new();
    for folder in folders.iter().map(|folder| folder.join(name)) {
        if folder.join("__init__.py").is_file() || folder.join("__init__.pyc").is_file() {
            return vec![folder];
        }
        if folder.is_dir() {
            portions.push(folder);
        }
    }
    portions
}

fn in_folder(name: &str, folder: &Path) -> Option<Located> {
    let package = folder.join(name).join("__init__.py");
    if package.is_file() {
        return Some(Located::Source(Found { file: package, is_package: true }));
    }
    if let Some(extension) = extension(name, folder) {
        return Some(Located::Extension(extension));
    }
    let file = folder.join(format!("{name}.py"));
    if file.is_file() {
        return Some(Located::Source(Found { file, is_package: false }));
    }
    let bytecode = folder.join(format!("{name}.pyc"));
    bytecode.is_file().then_some(Located::Bytecode(bytecode))
}

/// `name.so`, `name.abi3.so`, `name.cpython-311-x86_64-linux-gnu.so`.
fn extension(name: &str, folder: &Path) -> Option<PathBuf> {
    let suffixes = entries(folder).into_iter().filter_map(|entry| {
        let suffix = entry.strip_prefix(name)?.strip_prefix('.')?;
        let is_tag = |tag: &str| tag == "abi3" || tag.starts_with("cpython-");
        (suffix == "so" || suffix.strip_suffix(".so").is_some_and(is_tag)).then_some(entry)
    });
    suffixes.map(|entry| folder.join(entry)).next()
}

fn entries(folder: &Path) -> Vec<String> {
    let read = fs::read_dir(folder).into_iter().flatten().flatten();
    read.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// `known` is the dotted name of the folders that were reached, with its last dot.
fn not_found(module: &str, known: &str, folders: &[PathBuf]) -> Refusal {
    let names: Vec<String> = folders.iter().flat_map(|folder| modules_in(folder, known)).collect();
    let rest = module.strip_prefix(known).unwrap_or(module).split('.').next().unwrap_or_default();
    let near = near_misses(&format!("{known}{rest}"), names.iter().map(String::as_str));
    let near = if near.is_empty() { String::new() } else { format!("; near: {}", near.join(", ")) };
    Refusal::new(Reason::TargetNotFound, format!("no module {module} in this interpreter's folders{near}"))
}

fn modules_in(folder: &Path, known: &str) -> Vec<String> {
    let module = |entry: String| match entry.strip_suffix(".py") {
        Some(stem) => Some(format!("{known}{stem}")),
        None if !entry.contains(['.', '-']) => Some(format!("{known}{entry}")),
        None => None,
    };
    entries(folder).into_iter().filter_map(module).collect()
}

#[cfg(test)]
mod tests {
    use super::{Found, find};
    use patchctl_protocol::state::Reason;
    use std::fs;
    use std::path::Path;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().expect("has a parent")).expect("makes folders");
        fs::write(path, "").expect("writes");
    }

    #[test]
    fn finds_as_the_path_finder_does() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let at = |name: &str| folder.path().join(name);
        for name in
            ["one/pkg/__init__.py", "one/pkg/mod.py", "two/pkg/other.py", "one/space/a.py", "two/space/b.py"]
        {
            touch(&at(name));
        }
        touch(&at("one/fast.cpython-311-x86_64-linux-gnu.so"));
        touch(&at("two/fast.py"));
        touch(&at("two/bare.pyc"));
        let search = [at("one").display().to_string(), at("two").display().to_string()];
        let found = |module: &str| find(module, &search).map(|found| (found.file, found.is_package));
        assert_eq!(find("pkg", &search), Ok(Found { file: at("one/pkg/__init__.py"), is_package: true }));
        assert_eq!(found("pkg.mod"), Ok((at("one/pkg/mod.py"), false)));
        assert_eq!(found("space.b"), Ok((at("two/space/b.py"), false)));
        let reason = |module: &str| find(module, &search).map_err(|refusal| refusal.reason);
        assert_eq!(reason("pkg.other"), Err(Reason::TargetNotFound));
        assert_eq!(reason("fast"), Err(Reason::NotPythonCode));
        assert_eq!(reason("bare"), Err(Reason::NeedsSource));
    }

    #[test]
    fn names_near_misses() {
        let folder = tempfile::tempdir().expect("makes a folder");
        touch(&folder.path().join("shop/price.py"));
        let search = [folder.path().display().to_string()];
        let detail = |module: &str| find(module, &search).expect_err("is not there").detail;
        assert!(detail("shop.prise").ends_with("near: shop.price"), "{}", detail("shop.prise"));
        assert!(detail("shp.price").ends_with("near: shop"), "{}", detail("shp.price"));
    }
}
