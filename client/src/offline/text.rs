//! Reading a source file as Python does: byte order mark and encoding declaration (PEP 263). Encodings
//! other than UTF-8 and Latin-1 are left to a linked process.

use patchctl_protocol::state::{Reason, Refusal};
use std::fs;
use std::path::Path;

/// The file's text.
///
/// # Errors
/// `needs-source` where it can't be read or decoded.
pub fn read(path: &Path) -> Result<String, Refusal> {
    let refused = |why: String| Refusal::new(Reason::NeedsSource, format!("{}: {why}", path.display()));
    let bytes = fs::read(path).map_err(|error| refused(error.to_string()))?;
    let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match declared(body).as_deref() {
        None | Some("utf-8" | "utf8" | "u8" | "ascii" | "us-ascii") => {
            let text = std::str::from_utf8(body).map_err(|error| refused(error.to_string()))?;
            Ok(text.to_owned())
        }
        Some("latin-1" | "latin1" | "iso-8859-1" | "iso8859-1") => {
            Ok(body.iter().map(|byte| char::from(*byte)).collect())
        }
        Some(other) => Err(refused(format!("its encoding is {other}"))),
    }
}

/// The encoding named in a comment of the first two lines, in lower case with hyphens.
fn declared(bytes: &[u8]) -> Option<String> {
    bytes.split(|byte| *byte == b'\n').take(2).find_map(|line| {
        let line = String::from_utf8_lossy(line);
        let comment = line.trim_start().strip_prefix('#')?;
        let (_, rest) = comment.split_once("coding")?;
        let name = rest.strip_prefix([':', '='])?.trim_start();
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(name.len());
        (end > 0).then(|| name[..end].to_lowercase().replace('_', "-"))
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    fn decoded(bytes: &[u8]) -> Result<String, String> {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("m.py");
        std::fs::write(&path, bytes).expect("writes");
        read(&path).map_err(|refusal| refusal.detail)
    }

    #[test]
    fn encodings() {
        assert_eq!(decoded(b"\xef\xbb\xbfx = 1\n").as_deref(), Ok("x = 1\n"));
        let latin = decoded(b"#!/usr/bin/python\n# -*- coding: Latin_1 -*-\nx = '\xe9'\n");
        assert!(latin.is_ok_and(|text| text.ends_with("'é'\n")));
        assert!(decoded(b"x = '\xe9'\n").is_err());
        assert!(
            decoded(b"# coding: koi8-r\n").is_err_and(|detail| detail.ends_with("its encoding is koi8-r"))
        );
    }
}
