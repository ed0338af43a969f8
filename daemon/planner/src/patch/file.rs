//! A patch file, parsed: limits, encoding, kind, and the parts put together.

use super::body::{self, Body};
use super::header::Header;
use super::{block, edits, keys};
use crate::diff;
use crate::error::{Fault, ParseError};
use crate::source::Source;
use crate::stack::with_deep_stack;
use patchctl_protocol::client::PatchKind;
use patchctl_protocol::digest::Digest;
use patchctl_protocol::edit::Edit;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// A patch file is at most this large, in bytes.
pub const LARGEST_PATCH: u64 = 8 << 20;
/// Most statements of a Python patch, those of its classes included and those of its functions not.
const MOST_STATEMENTS: usize = 5_000;

/// A patch at one content.
#[derive(Clone, Debug)]
pub struct Patch {
    pub id: String,
    /// Digest of the file's bytes.
    pub digest: Digest,
    pub kind: PatchKind,
    pub header: Header,
    /// Every module name that it may touch, sorted.
    pub modules: Vec<String>,
    /// Files of a diff that are no code of a module: tests, documents, changelogs.
    pub passed_over: Vec<String>,
    pub(crate) body: Body,
}

impl Patch {
    /// Text of a module that the patch brings along as a new file.
    #[must_use]
    pub fn new_module(&self, module: &str) -> Option<&str> {
        match &self.body {
            Body::Diff(modules) => {
                let found = modules.iter().find(|part| part.module == module)?;
                found.new_text.as_deref()
            }
            Body::Python(_) | Body::Edits(_) => None,
        }
    }

    /// The edits of compiled code, if that is what the patch is made of.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        match &self.body {
            Body::Edits(edits) => edits,
            _ => &[],
        }
    }

    /// Whether the patch changes a module's source text.
    #[must_use]
    pub fn changes_source(&self) -> bool {
        !matches!(self.body, Body::Edits(_))
    }
}

/// Digest of some bytes: `sha256:` and 64 hexadecimal digits.
#[must_use]
pub fn digest(content: &[u8]) -> Digest {
    let mut text = String::with_capacity(71);
    text.push_str("sha256:");
    for byte in Sha256::digest(content) {
        let _ = write!(text, "{byte:02x}");
    }
    Digest(text)
}

/// Parses a patch file; its suffix says which kind it is. `strip` is the number of leading folders to take
/// off the file names in a diff, in place of what the header says.
///
/// # Errors
/// The place in the file and what is wrong there.
pub fn parse(file_name: &str, content: &[u8], strip: Option<u32>) -> Result<Patch, ParseError> {
    let base = file_name.rsplit('/').next().unwrap_or(file_name);
    parse_parts(base, content, strip).map_err(|fault| fault.in_file(file_name))
}

fn parse_parts(base: &str, content: &[u8], strip: Option<u32>) -> Result<Patch, Fault> {
    let (stem, kind) = kind(base)?;
    let text = decode(content)?;
    let (header, body, passed_over) = match kind {
        PatchKind::Edits => {
            let (header, edits) = edits::read(text)?;
            let module = header.module.is_some().then_some(());
            module
                .ok_or_else(|| without_module("an edit patch", "Put `module = \"pkg.mod\"` at its top."))?;
            (header, Body::Edits(edits), Vec::new())
        }
        PatchKind::Python => {
            let header = header(text, kind)?;
            let body = python_body(text, &header)?;
            (header, body, Vec::new())
        }
        PatchKind::Diff => {
            let header = header(text, kind)?;
            let (body, passed_over) = diff_body(text, &header, strip.or(header.strip))?;
            (header, body, passed_over)
        }
    };
    let id = id(&header, stem)?;
    let modules = match &body {
        Body::Diff(modules) => modules.iter().map(|part| part.module.clone()).collect(),
        Body::Python(_) | Body::Edits(_) => header.module.iter().cloned().collect(),
    };
    Ok(Patch { id, digest: digest(content), kind, header, modules, passed_over, body })
}

fn without_module(what: &str, hint: &str) -> Fault {
    Fault::at(1, format!("{what} without the name of its module")).hint(hint)
}

/// Stem and kind of a file name.
fn kind(base: &str) -> Result<(&str, PatchKind), Fault> {
    let (stem, suffix) = base.rsplit_once('.').unwrap_or((base, ""));
    match suffix {
        "diff" | "patch" => Ok((stem, PatchKind::Diff)),
        "py" => Ok((stem, PatchKind::Python)),
        "toml" => Ok((stem, PatchKind::Edits)),
        _ => Err(Fault::at(1, format!("`{base}` has no suffix of a patch file"))
            .hint("Name it with .diff or .patch for a diff, .py for Python, .toml for edits.")),
    }
}

/// The text of a patch file: UTF-8, with or without byte order mark, no NUL.
fn decode(content: &[u8]) -> Result<&str, Fault> {
    if content.len() as u64 > LARGEST_PATCH {
        let message = format!("{} bytes, which is more than the {LARGEST_PATCH} taken", content.len());
        return Err(Fault::at(1, message));
    }
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let place = |at: usize| {
        let before = &content[..at];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = at - before.iter().rposition(|byte| *byte == b'\n').map_or(0, |i| i + 1) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    };
    let text = std::str::from_utf8(content).map_err(|error| {
        let (line, column) = place(error.valid_up_to());
        let byte = content.get(error.valid_up_to()).copied().unwrap_or_default();
        Fault::at(line, format!("byte 0x{byte:02x} is not UTF-8"))
            .column(column)
            .hint("Save the patch file as UTF-8.")
    })?;
    if let Some(at) = text.find('\0') {
        let (line, column) = place(at);
        return Err(Fault::at(line, "a NUL byte").column(column));
    }
    Ok(text)
}

/// Reads the header, which stands before the first hunk or at the top of a Python patch.
fn header(text: &str, kind: PatchKind) -> Result<Header, Fault> {
    let begins = |line: &str| match kind {
        PatchKind::Python => !line.is_empty() && !line.starts_with('#'),
        _ => ["diff --git ", "--- ", "@@ -"].iter().any(|start| line.starts_with(start)),
    };
    let before = text.lines().position(|line| begins(line.trim_end())).unwrap_or(usize::MAX);
    let before = u32::try_from(before).unwrap_or(u32::MAX);
    match block::find(text, before)? {
        Some(block) => keys::read(&block),
        None => Ok(Header::default()),
    }
}

/// The id: from the header, or the file's stem.
fn id(header: &Header, stem: &str) -> Result<String, Fault> {
    let id = header.id.as_deref().unwrap_or(stem);
    let letters = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    if id.is_empty() || id.len() > 128 || id.starts_with(['.', '-']) || !id.chars().all(letters) {
        return Err(Fault::at(1, format!("`{id}` can't be the id of a patch"))
            .hint("An id has letters, digits and `.`, `_`, `-`, `+`; set `id` in the header."));
    }
    Ok(id.to_owned())
}

fn diff_body(text: &str, header: &Header, strip: Option<u32>) -> Result<(Body, Vec<String>), Fault> {
    let files = diff::parse(text, strip)?;
    if files.is_empty() {
        return Err(Fault::at(1, "no change of a file in this diff")
            .hint("A diff has lines `--- a/FILE`, `+++ b/FILE` and `@@ ... @@`."));
    }
    let (modules, passed_over) = body::modules(files, header)?;
    if modules.is_empty() {
        let message = format!("no change of a Python module (passed over: {})", passed_over.join(", "));
        return Err(Fault::at(1, message)
            .hint("If one of these files is the code to patch, name its `module` in the header."));
    }
    Ok((Body::Diff(modules), passed_over))
}

fn python_body(text: &str, header: &Header) -> Result<Body, Fault> {
    if header.module.is_none() {
        let hint = "Put `# /// patch`, `# module = \"pkg.mod\"` and `# ///` at the top of the file.";
        return Err(without_module("a Python patch", hint));
    }
    let statements =
        with_deep_stack(|| Source::read(text).map(|source| source.definitions_and_statements()))?;
    if statements > MOST_STATEMENTS {
        let message = format!("{statements} statements, more than the {MOST_STATEMENTS} of a Python patch");
        return Err(Fault::at(1, message).hint("Write it as a diff, or as several patches."));
    }
    Ok(Body::Python(text.to_owned()))
}
