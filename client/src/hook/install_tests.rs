//! Tests of putting the hook in and taking it out, on folders without an interpreter.

use super::{Marker, remove_folders, support, uninstall};
use crate::interpreter::Interpreter;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn interpreter(folder: &Path) -> Interpreter {
    Interpreter {
        version: "3.11.7".into(),
        minor: (3, 11),
        implementation: "cpython".into(),
        free_threaded: false,
        prefix: "/".into(),
        executable: "/bin/python".into(),
        site_packages: folder.into(),
        search_path: vec![folder.display().to_string()],
    }
}

fn installed(folder: &Path) -> Marker {
    fs::create_dir_all(folder.join("patchctl_hook/__pycache__")).expect("makes folders");
    let mut files = BTreeMap::new();
    for name in ["patchctl.pth", "patchctl_hook/__init__.py", "patchctl_hook/_native.abi3.so"] {
        fs::write(folder.join(name), name).expect("writes");
        files.insert(name.to_owned(), patchctl_planner::digest(name.as_bytes()));
    }
    fs::write(folder.join("patchctl_hook/__pycache__/__init__.cpython-311.pyc"), "").expect("writes");
    let marker = Marker { version: "0.1.0".into(), files };
    marker.write(folder).expect("writes");
    marker
}

#[test]
fn takes_out_all_that_it_put_there() {
    let folder = tempfile::tempdir().expect("makes a folder");
    installed(folder.path());
    let removed = uninstall(&interpreter(folder.path())).expect("uninstalls").expect("finds it");
    assert_eq!(removed.removed.len(), 3);
    assert_eq!(fs::read_dir(folder.path()).expect("reads").count(), 0);
    assert!(uninstall(&interpreter(folder.path())).expect("looks").is_none());
}

#[test]
fn leaves_what_somebody_changed_or_added() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let marker = installed(folder.path());
    let changed = folder.path().join("patchctl_hook/__init__.py");
    fs::write(&changed, "changed").expect("writes");
    assert_eq!(marker.altered(folder.path()), std::slice::from_ref(&changed));
    let removed = uninstall(&interpreter(folder.path())).expect("uninstalls").expect("finds it");
    assert_eq!(removed.left, std::slice::from_ref(&changed));
    assert!(changed.exists());
}

#[test]
fn removes_no_folder_that_is_not_empty() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let marker = installed(folder.path());
    fs::write(folder.path().join("patchctl_hook/__pycache__/other.cpython-311.pyc"), "").expect("writes");
    remove_folders(folder.path(), &marker).expect("removes");
    assert!(folder.path().join("patchctl_hook/__pycache__/other.cpython-311.pyc").exists());
}

#[test]
fn leaves_an_install_of_pip_alone() {
    let folder = tempfile::tempdir().expect("makes a folder");
    fs::create_dir(folder.path().join("patchctl-0.1.0.dist-info")).expect("makes a folder");
    let error = uninstall(&interpreter(folder.path())).expect_err("is refused");
    assert!(error.message.starts_with("pip put the hook into"), "{}", error.message);
}

#[test]
fn interpreters_that_it_can_not_serve() {
    let base = interpreter(Path::new("/"));
    assert_eq!(support(&base), None);
    let old = Interpreter { minor: (3, 8), version: "3.8.1".into(), ..base.clone() };
    assert_eq!(support(&old).as_deref(), Some("Python 3.8.1 is older than 3.9"));
    let threads = Interpreter { free_threaded: true, ..base.clone() };
    assert!(support(&threads).is_some_and(|reason| reason.contains("free-threaded")));
    let other = Interpreter { implementation: "pypy".into(), ..base };
    assert!(support(&other).is_some_and(|reason| reason.contains("pypy")));
}
