//! The interpreters the tests run against, and code compiled by them.
//!
//! `PATCHCTL_PYTHONS` names them, separated by `:`; otherwise those under
//! `~/.pyenv/versions` and on `PATH` are taken, one for each minor version.

#![allow(dead_code, reason = "each test program uses a part")]

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use patchctl_codeobject::tables::table;
use patchctl_codeobject::{CodeObject, Version, marshal};

/// One interpreter.
#[derive(Clone, Debug)]
pub struct Interpreter {
    pub path: PathBuf,
    pub version: Version,
}

/// Whether the long form of the tests was asked for.
pub fn long() -> bool {
    std::env::var_os("PATCHCTL_LONG").is_some_and(|value| value == "1")
}

/// The interpreters to test; at least one.
pub fn interpreters() -> Vec<Interpreter> {
    let mut found = BTreeMap::new();
    for path in candidates() {
        if let Some(version) = version_of(&path) {
            found.entry(version).or_insert(Interpreter { path, version });
        }
    }
    assert!(!found.is_empty(), "no interpreter found; set PATCHCTL_PYTHONS");
    found.into_values().collect()
}

fn candidates() -> Vec<PathBuf> {
    if let Some(list) = std::env::var_os("PATCHCTL_PYTHONS") {
        return std::env::split_paths(&list).collect();
    }
    let mut paths = Vec::new();
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    if let Ok(entries) = std::fs::read_dir(home.join(".pyenv/versions")) {
        paths.extend(entries.flatten().map(|entry| entry.path().join("bin/python")));
    }
    let search = std::env::var_os("PATH").unwrap_or_default();
    for folder in std::env::split_paths(&search) {
        paths.extend((9..=15).map(|minor| folder.join(format!("python3.{minor}"))));
    }
    paths.retain(|path| path.exists());
    paths
}

fn version_of(path: &Path) -> Option<Version> {
    let script = "import sys, importlib.util as u\n\
                  print(sys.version_info[0], sys.version_info[1], int.from_bytes(u.MAGIC_NUMBER[:2], 'little'), sys.implementation.name)";
    let output = Command::new(path).args(["-S", "-c", script]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let [major, minor, magic, "cpython"] = words[..] else { return None };
    let version = Version::new(major.parse().ok()?, minor.parse().ok()?)?;
    (magic.parse() == Ok(table(version).magic())).then_some(version)
}

/// One compiled file of a standard library.
pub struct Module {
    pub path: String,
    pub code: CodeObject,
}

/// Compiles every `stride`-th file of the interpreter's standard library.
pub fn stdlib(interpreter: &Interpreter, stride: usize) -> Stdlib {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interpreters/compile_stdlib.py");
    let mut child = Command::new(&interpreter.path)
        .arg("-B")
        .arg(script)
        .arg(stride.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the interpreter starts");
    let stream = BufReader::with_capacity(1 << 20, child.stdout.take().expect("stdout is piped"));
    Stdlib { child, stream, version: interpreter.version }
}

/// The modules of a standard library, as they are compiled.
pub struct Stdlib {
    child: Child,
    stream: BufReader<std::process::ChildStdout>,
    version: Version,
}

impl Stdlib {
    fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).ok()?;
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        self.stream.read_exact(&mut bytes).expect("a whole chunk");
        Some(bytes)
    }
}

impl Iterator for Stdlib {
    type Item = Module;

    fn next(&mut self) -> Option<Module> {
        let Some(name) = self.chunk() else {
            let status = self.child.wait().expect("the interpreter ends");
            assert!(status.success(), "the interpreter failed: {status}");
            return None;
        };
        let path = String::from_utf8_lossy(&name).into_owned();
        let data = self.chunk().expect("data after the name");
        let code = marshal::read_code(&data, self.version).unwrap_or_else(|error| panic!("{path}: {error}"));
        Some(Module { path, code })
    }
}

impl Drop for Stdlib {
    fn drop(&mut self) {
        // The child may be blocked on a pipe nobody reads any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Calls `visit` for a code object and all nested in it.
pub fn walk<'a>(code: &'a CodeObject, visit: &mut dyn FnMut(&'a CodeObject)) {
    visit(code);
    for (_, nested) in code.nested() {
        walk(nested, visit);
    }
}

/// Compiles a source text with the interpreter.
pub fn compile(interpreter: &Interpreter, source: &str) -> CodeObject {
    let script = "import marshal, sys\n\
                  sys.stdout.buffer.write(marshal.dumps(compile(sys.argv[1], 'sample.py', 'exec')))";
    let output = Command::new(&interpreter.path)
        .args(["-c", script, source])
        .output()
        .expect("the interpreter starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", interpreter.version);
    marshal::read_code(&output.stdout, interpreter.version).expect("marshal data")
}

/// The function of that name in a module or class.
pub fn function(code: &CodeObject, name: &str) -> CodeObject {
    let mut found = None;
    walk(code, &mut |code| {
        if code.name == name {
            found = Some(code.clone());
        }
    });
    found.unwrap_or_else(|| panic!("no function {name}"))
}
