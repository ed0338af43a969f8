//! The header block: finds the comment block of TOML in a patch file and keeps its line numbers. What the
//! keys mean stands in `header`.

use crate::error::Fault;

/// The TOML of a header (or of a whole file) and the line of the file on which it starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub toml: String,
    /// Line of the first line of `toml` in the file, counted from 1.
    pub line: u32,
    /// How many columns stand before each line of `toml`.
    pub indent: u32,
}

impl Block {
    /// A file that is TOML as a whole.
    pub fn whole(text: &str) -> Self {
        Self { toml: text.to_owned(), line: 1, indent: 0 }
    }
}

/// Columns of the comment sign and the blank.
const COMMENT: u32 = 2;

/// Finds the block `# /// patch` ... `# ///` among the first `before` lines (the form of inline script
/// metadata, PEP 723).
pub(super) fn find(text: &str, before: u32) -> Result<Option<Block>, Fault> {
    let mut block: Option<Block> = None;
    let mut open = None;
    for (number, line) in (1..=before).zip(text.lines()) {
        let line = line.trim_end();
        match (&mut block, open) {
            (None, _) if line == "# /// patch" => {
                block = Some(Block { toml: String::new(), line: number + 1, indent: COMMENT });
                open = Some(number);
            }
            (Some(_), None) if line == "# /// patch" => {
                return Err(Fault::at(number, "a second header block").hint("Keep one `# /// patch` block."));
            }
            (Some(_), Some(_)) if line == "# ///" => open = None,
            (Some(block), Some(_)) => {
                let Some(toml) = content(line) else {
                    return Err(Fault::at(number, "a line without `# ` inside the header block")
                        .hint("End the block with a line `# ///`."));
                };
                block.toml.push_str(toml);
                block.toml.push('\n');
            }
            _ => {}
        }
    }
    match open {
        Some(number) => {
            Err(Fault::at(number, "the header block is not closed")
                .hint("End the block with a line `# ///`."))
        }
        None => Ok(block),
    }
}

/// What stands behind the comment sign.
fn content(line: &str) -> Option<&str> {
    if line == "#" { Some("") } else { line.strip_prefix("# ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_lines() {
        let text = "From: x\n# /// patch\n# id = \"a\"\n#\n# order = 2\n# ///\ndiff\n";
        let block = find(text, 7).expect("well-formed").expect("a block");
        assert_eq!(block, Block { toml: "id = \"a\"\n\norder = 2\n".into(), line: 3, indent: 2 });
    }

    #[test]
    fn names_the_line_that_breaks_it() {
        for (text, line) in [
            ("# /// patch\n# a = 1\nb\n# ///\n", 3),
            ("\n# /// patch\n# a = 1\n", 2),
            ("# /// patch\n# ///\n# /// patch\n# ///\n", 3),
        ] {
            assert_eq!(find(text, 99).expect_err("malformed").line, line, "{text}");
        }
    }

    #[test]
    fn looks_only_at_the_preamble() {
        assert_eq!(find("x\n# /// patch\n", 1), Ok(None));
    }
}
