//! What a patch file holds behind its header: the parts of a diff by module, a mirror of a module, or edits.

use super::header::Header;
use super::path::{Target, target};
use crate::diff::{FileDiff, Kind};
use crate::error::Fault;
use patchctl_protocol::edit::Edit;

/// What a patch does.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Diff(Vec<ModuleDiff>),
    /// The text of the mirror.
    Python(String),
    Edits(Vec<Edit>),
}

/// The parts of a diff that change one module.
#[derive(Clone, Debug)]
pub(crate) struct ModuleDiff {
    pub module: String,
    /// Path in the diff.
    pub path: String,
    /// Usually one; more where the file holds several commits.
    pub files: Vec<FileDiff>,
    /// The whole text of a file that the diff makes anew.
    pub new_text: Option<String>,
}

/// Sorts the files of a diff into modules and those that are passed over.
pub(crate) fn modules(
    files: Vec<FileDiff>,
    header: &Header,
) -> Result<(Vec<ModuleDiff>, Vec<String>), Fault> {
    let mut modules: Vec<ModuleDiff> = Vec::new();
    let mut passed_over: Vec<String> = Vec::new();
    let python = |file: &FileDiff| path_of(file).ends_with(".py");
    let explicit = match &header.module {
        Some(module) if files.iter().filter(|file| python(file)).count() == 1 => Some(module),
        _ => None,
    };
    for file in files {
        let path = path_of(&file).to_owned();
        let named = explicit.filter(|_| python(&file)).cloned().map(Target::Module);
        match named.unwrap_or_else(|| target(&path)) {
            Target::PassedOver => passed_over.push(path),
            Target::Module(_) if file.new.is_none() => passed_over.push(format!("{path} (deleted)")),
            Target::Module(module) => {
                check(&file, &path, explicit.is_some())?;
                add(&mut modules, module, path, file);
            }
        }
    }
    modules.retain(|module| module.new_text.is_some() || module.files.iter().any(|f| !f.hunks.is_empty()));
    modules.sort_by(|a, b| a.module.cmp(&b.module));
    Ok((modules, passed_over))
}

/// The name that a file has after the change, or had if it is deleted.
fn path_of(file: &FileDiff) -> &str {
    file.new.as_deref().or(file.old.as_deref()).unwrap_or_default()
}

fn check(file: &FileDiff, path: &str, explicit: bool) -> Result<(), Fault> {
    if file.binary {
        return Err(Fault::at(file.line, format!("the change of {path} is binary"))
            .hint("Make the diff with `git diff --text`."));
    }
    let from = file.old.as_deref().unwrap_or(path);
    if file.moved && !explicit && target(from) != target(path) {
        let message =
            format!("{path} is moved or copied from {from}, which a running process can't take over");
        return Err(Fault::at(file.line, message).hint(
            "Make the diff with `git diff --no-renames`, or name the installed `module` in the header.",
        ));
    }
    Ok(())
}

fn add(modules: &mut Vec<ModuleDiff>, module: String, path: String, file: FileDiff) {
    if let Some(known) = modules.iter_mut().find(|known| known.module == module) {
        known.files.push(file);
        return;
    }
    let new_text = file.old.is_none().then(|| text_of(&file));
    modules.push(ModuleDiff { module, path, files: vec![file], new_text });
}

/// The text of a file that consists of inserted lines.
fn text_of(file: &FileDiff) -> String {
    let mut text = String::new();
    for line in file.hunks.iter().flat_map(|hunk| &hunk.lines) {
        if line.kind == Kind::Insert {
            text.push_str(&line.text);
            if !line.unterminated {
                text.push('\n');
            }
        }
    }
    text
}
