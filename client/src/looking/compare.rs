//! Two texts against each other: as a unified diff, or side by side.

use crate::style::{BAD, GOOD, NAME, PLAIN, STRONG, paint};
use similar::{ChangeTag, DiffOp, TextDiff};
use std::iter;
use unicode_width::UnicodeWidthStr;

/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;

/// A unified diff; empty where there is no difference.
#[must_use]
pub fn unified(names: (&str, &str), original: &str, patched: &str) -> String {
    TextDiff::from_lines(original, patched)
        .unified_diff()
        .context_radius(CONTEXT)
        .header(names.0, names.1)
        .to_string()
}

/// A unified diff with the file's name on both sides, as git writes it.
#[must_use]
pub fn for_file(path: &str, original: &str, patched: &str) -> String {
    let path = path.trim_start_matches('/');
    unified((&format!("a/{path}"), &format!("b/{path}")), original, patched)
}

/// Two columns of a width in all.
pub struct Columns {
    width: usize,
}

impl Columns {
    /// For a terminal of that many characters.
    #[must_use]
    pub fn new(width: usize) -> Self {
        // Three characters stand between the columns.
        Self { width: width.saturating_sub(3).max(20) / 2 }
    }
}

/// Both texts beside each other; lines that differ are marked between them.
#[must_use]
pub fn side_by_side(names: (&str, &str), original: &str, patched: &str, columns: &Columns) -> String {
    let diff = TextDiff::from_lines(original, patched);
    let mut text = String::new();
    let mut row = |left: Option<&str>, mark: &str, right: Option<&str>| {
        let (left, right) = (left.unwrap_or_default().trim_end(), right.unwrap_or_default().trim_end());
        let style = |other| if mark == " " { PLAIN } else { other };
        let left = fitted(left, columns.width);
        let missing = " ".repeat(columns.width - left.width());
        let line = format!(
            "{}{missing} {} {}",
            paint(style(BAD), &left),
            paint(NAME, mark),
            paint(style(GOOD), &fitted(right, columns.width))
        );
        text.push_str(line.trim_end());
        text.push('\n');
    };
    row(Some(names.0), " ", Some(names.1));
    for op in diff.ops() {
        let side = |tag: ChangeTag| -> Vec<&str> {
            let wanted = diff.iter_changes(op).filter(|change| change.tag() == tag);
            wanted.map(|change| change.value()).collect()
        };
        if let DiffOp::Equal { .. } = op {
            side(ChangeTag::Equal).into_iter().for_each(|line| row(Some(line), " ", Some(line)));
            continue;
        }
        let (old, new) = (side(ChangeTag::Delete), side(ChangeTag::Insert));
        let count = old.len().max(new.len());
        let old = old.into_iter().map(Some).chain(iter::repeat(None));
        let new = new.into_iter().map(Some).chain(iter::repeat(None));
        for (left, right) in old.zip(new).take(count) {
            let mark = match (left, right) {
                (Some(_), Some(_)) => "|",
                (Some(_), None) => "<",
                _ => ">",
            };
            row(left, mark, right);
        }
    }
    text
}

fn fitted(line: &str, width: usize) -> String {
    let line = line.replace('\t', "    ");
    if line.width() <= width {
        return line;
    }
    let mut cut = String::new();
    for character in line.chars() {
        if cut.width() + 2 >= width {
            break;
        }
        cut.push(character);
    }
    cut + "…"
}

/// A diff with its lines coloured by what they are.
#[must_use]
pub fn coloured(diff: &str) -> String {
    let mut text = String::new();
    for line in diff.lines() {
        let style = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => STRONG,
            [b'+', ..] => GOOD,
            [b'-', ..] => BAD,
            [b'@', ..] => NAME,
            _ => PLAIN,
        };
        text.push_str(&paint(style, line));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Columns, coloured, for_file, side_by_side};

    #[test]
    fn unified_diffs_are_coloured_by_line_only() {
        let diff = for_file("/site/m.py", "a\nb\n", "a\nc\n");
        assert_eq!(diff, "--- a/site/m.py\n+++ b/site/m.py\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
        assert_eq!(anstream::adapter::strip_str(&coloured(&diff)).to_string(), diff);
    }

    #[test]
    fn columns_pair_changed_lines() {
        let shown = side_by_side(("old", "new"), "a\nb\nc\n", "a\nd\ne\nc\n", &Columns::new(23));
        let shown = anstream::adapter::strip_str(&shown).to_string();
        let rows: Vec<&str> = shown.lines().collect();
        assert_eq!(
            rows,
            ["old          new", "a            a", "b          | d", "           > e", "c            c"]
        );
    }

    #[test]
    fn long_lines_are_cut() {
        let shown = side_by_side(("", ""), &"x".repeat(99), "", &Columns::new(23));
        assert!(shown.contains("xxxxxxxx…"), "{shown}");
    }
}
