//! Finds a module's source file in the folders of a `sys.path`, as far as names tell: for looking ahead.
//! What a process really loaded is said by its hook.

use std::path::{Path, PathBuf};

/// The file of a module, by the order of the folders; a package goes before a module of the same name.
#[must_use]
pub fn locate(module: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    folders.iter().find_map(|folder| in_folder(module, folder))
}

/// The file of a module beside the file of another one of the same installation.
#[must_use]
pub fn beside(module: &str, other: &str, other_origin: &Path) -> Option<PathBuf> {
    in_folder(module, root(other, other_origin)?)
}

/// The folder of `sys.path` that a module with this file lies under.
#[must_use]
pub fn root<'a>(module: &str, origin: &'a Path) -> Option<&'a Path> {
    let package = origin.file_name().is_some_and(|name| name == "__init__.py");
    let up = module.split('.').count() + usize::from(package);
    origin.ancestors().nth(up)
}

fn in_folder(module: &str, folder: &Path) -> Option<PathBuf> {
    let mut path = folder.to_owned();
    path.extend(module.split('.'));
    let package = path.join("__init__.py");
    let plain = PathBuf::from(format!("{}.py", path.display()));
    [package, plain].into_iter().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::{beside, locate};
    use std::fs;

    #[test]
    fn finds_modules_and_packages() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let root = folder.path();
        fs::create_dir_all(root.join("pkg/sub")).expect("makes");
        for file in ["pkg/__init__.py", "pkg/a.py", "pkg/sub/__init__.py"] {
            fs::write(root.join(file), "").expect("writes");
        }
        let folders = [root.join("absent"), root.to_owned()];
        assert_eq!(locate("pkg.a", &folders), Some(root.join("pkg/a.py")));
        assert_eq!(locate("pkg.sub", &folders), Some(root.join("pkg/sub/__init__.py")));
        assert_eq!(locate("pkg.b", &folders), None);
        assert_eq!(
            beside("pkg.a", "pkg.sub", &root.join("pkg/sub/__init__.py")),
            Some(root.join("pkg/a.py"))
        );
        assert_eq!(beside("pkg", "pkg.a", &root.join("pkg/a.py")), Some(root.join("pkg/__init__.py")));
    }
}
