//! Skeletons compile to the code objects that the whole texts compile to: held against real interpreters,
//! over random functions of their standard libraries and over a text of hard cases.
//!
//! `PATCHCTL_PYTHONS` names interpreters (separated by colons); else those of pyenv and `python3` are taken.
//! `PATCHCTL_SKELETON_FILES` says how many files of each standard library to look at.

use patchctl_planner::{Phase, PlanOptions, Texts, plan};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/skeleton/functions.py");

fn interpreters() -> Vec<PathBuf> {
    if let Ok(listed) = env::var("PATCHCTL_PYTHONS") {
        return listed.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect();
    }
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| env::home_dir().map(|home| home.join(".pyenv")));
    let versions = root.and_then(|root| fs::read_dir(root.join("versions")).ok());
    let mut found: Vec<PathBuf> = versions
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin/python"))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.push("python3".into());
    found.retain(|python| version(python) >= (3, 9));
    found
}

fn version(python: &Path) -> (u32, u32) {
    let text = run(python, &["-c", "import sys; v = sys.version_info; print(\"%d %d\" % (v[0], v[1]))"], "");
    let mut parts = text.split_whitespace().filter_map(|part| part.parse().ok());
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

fn run(python: &Path, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(python)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("an interpreter");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("its output");
    writer.join().expect("no panic").ok();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{} {arguments:?}: {errors}", python.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Plans a changed text; the skeletons must hold exactly the changed functions.
fn skeletons(case: &Value) -> Value {
    let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
    let (old, new) = (text("old"), text("new"));
    let texts = Texts {
        module: "m",
        is_package: false,
        original: &old,
        running: &old,
        target: &new,
        contributions: &[],
    };
    let plan = plan(&texts, &PlanOptions { renew: &[], phase: Phase::Import })
        .unwrap_or_else(|refusal| panic!("{}: {refusal}", case["file"]));
    let wanted: BTreeSet<(String, u64)> = case["functions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|pair| (pair[0].as_str().unwrap_or_default().to_owned(), pair[1].as_u64().unwrap_or(0)))
        .collect();
    let found: BTreeSet<(String, u64)> = plan
        .functions
        .iter()
        .map(|change| {
            (change.qualname.rsplit('.').next().unwrap_or_default().to_owned(), u64::from(change.old_line))
        })
        .collect();
    assert_eq!(wanted, found, "{}", case["file"]);
    let mut case = case.clone();
    case["old_skeleton"] = plan.old_skeleton.into();
    case["new_skeleton"] = plan.new_skeleton.into();
    case
}

fn compare(python: &Path, cases: &[Value]) -> usize {
    let lines: String = cases.iter().map(|case| format!("{}\n", skeletons(case))).collect();
    let report = run(python, &[SCRIPT, "compare"], &lines);
    let mut lines: Vec<&str> = report.lines().collect();
    let count = lines.pop().unwrap_or_default();
    assert!(lines.is_empty(), "{}: {} of {count}: {lines:#?}", python.display(), lines.len());
    count.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)
}

#[test]
fn standard_library() {
    let limit = env::var("PATCHCTL_SKELETON_FILES").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    for python in interpreters() {
        let folder = run(&python, &["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"], "");
        let mut files = Vec::new();
        sources(Path::new(folder.trim()), &mut files);
        files.sort();
        let step = (files.len() / limit).max(1);
        let files: Vec<&str> = files.iter().step_by(step).filter_map(|file| file.to_str()).collect();
        let mut compared = 0;
        for chunk in files.chunks(200) {
            let arguments = [&[SCRIPT, "change", "7", "5"], chunk].concat();
            let changed = run(&python, &arguments, "");
            let cases: Vec<Value> =
                changed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            compared += compare(&python, &cases);
        }
        assert!(compared > files.len() / 4, "{}: only {compared} functions", python.display());
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let skipped = ["site-packages", "lib2to3", "__pycache__", "bad_coding", "badsyntax"];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if skipped.iter().any(|part| name.contains(part)) {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if name.ends_with(".py") {
            found.push(path);
        }
    }
}

#[test]
fn hard_cases() {
    let old = include_str!("skeleton/hard.txt");
    let new = old.replace("return 'old'", "return 'newer'");
    for python in interpreters() {
        let newer = version(&python);
        let enabled = |line: &str| {
            let minor: Option<u32> = line.strip_prefix("#@ 3.").and_then(|text| text.trim().parse().ok());
            minor.is_none_or(|minor| newer.1 >= minor)
        };
        let mut kept = [String::new(), String::new()];
        for (text, kept) in [old, &new].into_iter().zip(&mut kept) {
            let mut on = true;
            for line in text.split_inclusive('\n') {
                if line.starts_with("#@") {
                    on = line.starts_with("#@ end") || enabled(line);
                }
                kept.push_str(if on { line } else { "\n" });
            }
        }
        let variants = [("\n", "lf"), ("\r\n", "crlf")];
        for (ending, name) in variants {
            let [old, new] = kept.clone().map(|text| text.replace('\n', ending));
            let case = json!({"file": name, "old": old, "new": new, "functions": changed(&old)});
            let count = compare(&python, &[case]);
            assert!(count >= 50, "{count}");
        }
    }
}

/// Functions of the hard cases: those marked by `# f NAME` on the line before their first line (`+1`: one
/// line further).
fn changed(text: &str) -> Vec<(String, usize)> {
    let marked = |(index, line): (usize, &str)| {
        let name = line.trim().strip_prefix("# f ")?;
        let (name, more) = name.split_once(" +").unwrap_or((name, "0"));
        Some((name.to_owned(), index + 2 + more.parse::<usize>().unwrap_or(0)))
    };
    text.lines().enumerate().filter_map(marked).collect()
}
