//! Source bytes to text, as Python does it (PEP 263; CPython `Parser/tokenizer`): UTF-8 with or without a
//! byte order mark, or the encoding declared in the first two lines. Encodings beyond UTF-8, ASCII and
//! Latin-1 are left to the process, which has the codecs.

/// The text; `None` if another encoding is declared or the bytes don't fit the one that is.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<String> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return String::from_utf8(rest.to_vec()).ok();
    }
    match declared(bytes).as_deref() {
        None | Some("utf-8" | "ascii" | "us-ascii") => String::from_utf8(bytes.to_vec()).ok(),
        Some("iso-8859-1") => Some(bytes.iter().copied().map(char::from).collect()),
        Some(_) => None,
    }
}

/// The declared encoding by its normal name. The second line counts only below a comment or an empty line.
fn declared(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|byte| *byte == b'\n').take(2) {
        let line = line.trim_ascii_start();
        if let Some(comment) = line.strip_prefix(b"#") {
            if let Some(name) = in_comment(comment) {
                return Some(normal(&name));
            }
        } else if !line.is_empty() {
            return None;
        }
    }
    None
}

/// `coding[:=]\s*([-\w.]+)`
fn in_comment(comment: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(comment);
    text.match_indices("coding").find_map(|(index, word)| {
        let rest = text[index + word.len()..].strip_prefix([':', '='])?.trim_start();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).unwrap_or(rest.len());
        (end > 0).then(|| rest[..end].to_owned())
    })
}

fn normal(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let is = |wanted: &str| name == wanted || name.starts_with(&format!("{wanted}-"));
    if is("utf-8") || name == "utf8" {
        "utf-8".into()
    } else if ["latin-1", "iso-8859-1", "iso-latin-1"].into_iter().any(is) || name == "latin1" {
        "iso-8859-1".into()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decodes_as_python_does() {
        for (bytes, text) in [
            (&b"x = '\xc3\xa9'\n"[..], Some("x = 'é'\n")),
            (b"\xef\xbb\xbfx = 1\n", Some("x = 1\n")),
            (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", Some("# -*- coding: latin-1 -*-\nx = 'é'\n")),
            (
                b"#!/bin/python\n# vim: set fileencoding=ISO-8859-1 :\n'\xe9'",
                Some("#!/bin/python\n# vim: set fileencoding=ISO-8859-1 :\n'é'"),
            ),
            (b"# coding: utf8\nx = 1\n", Some("# coding: utf8\nx = 1\n")),
            (b"x = 1\n# coding: latin-1\ny = '\xe9'\n", None),
            (b"# coding: koi8-r\nx = 1\n", None),
            (b"x = '\xe9'\n", None),
        ] {
            assert_eq!(decode(bytes).as_deref(), text, "{bytes:?}");
        }
    }
}
