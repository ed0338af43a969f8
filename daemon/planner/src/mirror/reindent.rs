//! Takes statements of a mirror over to another indentation. Lines inside strings stay as they are.

use crate::source::Source;
use ruff_text_size::TextSize;

/// The lines of a piece of a text, from the start of a statement to its end, with another indentation.
pub(super) fn reindent(source: &Source<'_>, start: TextSize, end: TextSize, indent: &str) -> Vec<String> {
    let (first, last) = (source.line(start), source.line(end));
    let old = &source.line_text(first)[..start.to_usize() - source.line_start(first)];
    let inside = source.lines_in_strings();
    let mut lines = Vec::with_capacity(last - first + 1);
    lines.push(format!("{indent}{}", source.line_text(first)[old.len()..].trim_end()));
    for line in first + 1..=last {
        let text = source.line_text(line);
        lines.push(if inside.contains(&line) { text.to_owned() } else { shift(text, old, indent) });
    }
    lines
}

/// Takes the old indentation off, as far as it is there, and puts the new one on.
fn shift(line: &str, old: &str, new: &str) -> String {
    if line.trim().is_empty() {
        return String::new();
    }
    let common = line.bytes().zip(old.bytes()).take_while(|(a, b)| a == b).count();
    format!("{new}{}", &line[common..])
}

/// The indentation of a statement.
pub(super) fn indent_of<'t>(source: &Source<'t>, start: TextSize) -> &'t str {
    let line = source.line(start);
    let text = source.line_text(line);
    &text[..text.len() - text.trim_start().len()]
}
