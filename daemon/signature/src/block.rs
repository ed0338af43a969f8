//! The comment block `# /// signature` ... `# ///` of a patch file: finding it, taking it out, putting one in.
//! What is signed is the file without this block.

const OPEN: &str = "# /// signature";
const CLOSE: &str = "# ///";
/// The byte order mark.
const MARK: &str = "\u{feff}";

/// A patch file's text, divided.
#[derive(Debug, PartialEq, Eq)]
pub struct Divided {
    /// TOML of the block, if there is one.
    pub block: Option<String>,
    /// Everything else.
    pub rest: String,
}

/// Divides a text.
///
/// # Errors
/// What is wrong with the block.
pub fn divide(text: &str) -> Result<Divided, &'static str> {
    let mut divided = Divided { block: None, rest: String::with_capacity(text.len()) };
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let (mark, begin) = after_mark(line, divided.rest.is_empty());
        if begin.trim_end() != OPEN {
            divided.rest.push_str(line);
            continue;
        }
        divided.rest.push_str(mark);
        if divided.block.is_some() {
            return Err("it has two signature blocks");
        }
        divided.block = Some(inside(&mut lines)?);
    }
    Ok(divided)
}

/// A line without the byte order mark that the first one of a file may have, which stays first.
fn after_mark(line: &str, is_first: bool) -> (&str, &str) {
    match line.strip_prefix(MARK) {
        Some(rest) if is_first => (MARK, rest),
        _ => ("", line),
    }
}

fn inside<'t>(lines: &mut impl Iterator<Item = &'t str>) -> Result<String, &'static str> {
    let mut toml = String::new();
    for line in lines {
        match line.trim_end() {
            CLOSE => return Ok(toml),
            "#" => toml.push('\n'),
            line => {
                let content = line.strip_prefix("# ").ok_or("a line of its signature block has no `# `")?;
                toml.push_str(content);
                toml.push('\n');
            }
        }
    }
    Err("its signature block is not closed")
}

/// The text with a block, behind the lines that must stay first in a Python file.
#[must_use]
pub fn put_in(rest: &str, toml: &str) -> String {
    let (mark, begin) = after_mark(rest, true);
    let stays = |line: &&str| {
        line.ends_with('\n') && (line.starts_with("#!") || (line.starts_with('#') && line.contains("coding")))
    };
    let first: usize = begin.split_inclusive('\n').take(2).take_while(stays).map(str::len).sum();
    let (before, after) = rest.split_at(mark.len() + first);
    let block: String = toml.lines().map(|line| format!("# {line}\n")).collect();
    format!("{before}{OPEN}\n{block}{CLOSE}\n{after}")
}

#[cfg(test)]
mod tests {
    use super::{divide, put_in};
    use proptest::prelude::*;

    #[test]
    fn names_what_is_wrong() {
        for text in ["# /// signature\n# a = 1\n", "# /// signature\nx\n# ///\n"] {
            assert!(divide(text).is_err(), "{text}");
        }
        let twice = "# /// signature\n# ///\n".repeat(2);
        assert!(divide(&twice).is_err());
    }

    #[test]
    fn first_lines_of_python_stay_first() {
        let text = put_in("#!/usr/bin/python\n# coding: utf-8\nx = 1\n", "a = 1\n");
        assert!(text.starts_with("#!/usr/bin/python\n# coding: utf-8\n# /// signature\n"), "{text}");
    }

    #[test]
    fn a_byte_order_mark_stays_first_and_a_last_line_without_end_comes_last() {
        for (rest, begin) in [
            ("\u{feff}x = 1\n", "\u{feff}# /// signature\n"),
            ("\u{feff}#!/bin/sh\nx = 1\n", "\u{feff}#!/bin/sh\n# /// signature\n"),
            ("#!/usr/bin/python", "# /// signature\n"),
        ] {
            let text = put_in(rest, "a = 1\n");
            assert!(text.starts_with(begin), "{text:?}");
            let divided = divide(&text).expect("divides");
            assert_eq!((divided.rest.as_str(), divided.block.as_deref()), (rest, Some("a = 1\n")));
        }
    }

    mod properties {
        use super::*;

        proptest! {
            #[test]
            fn what_was_put_in_comes_out(rest in "([ -~]{0,20}\n){0,8}[ -~]{0,5}", toml in "([a-z]{1,5} = 1\n){0,3}") {
                prop_assume!(!rest.contains("/// signature"));
                let divided = divide(&put_in(&rest, &toml)).expect("divides");
                prop_assert_eq!(divided.rest, rest);
                prop_assert_eq!(divided.block, Some(toml));
            }
        }
    }
}
