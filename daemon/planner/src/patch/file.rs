//! A patch file, parsed.

use super::header::Header;
use crate::error::{Fault, ParseError};
use patchctl_protocol::client::PatchKind;
use patchctl_protocol::digest::Digest;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

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
}

impl Patch {
    /// Text of a module that the patch brings along as a new file.
    #[must_use]
    pub fn new_module(&self, _module: &str) -> Option<&str> {
        None
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

/// Parses a patch file; its suffix says which kind it is. `strip` is the number of leading components to
/// take off the paths in a diff, instead of finding out.
///
/// # Errors
/// The place in the file and what is wrong there.
pub fn parse(file_name: &str, _content: &[u8], _strip: Option<u32>) -> Result<Patch, ParseError> {
    Err(Fault::at(1, "unknown kind of patch file").in_file(file_name))
}
