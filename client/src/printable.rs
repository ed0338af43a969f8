//! What others wrote (names of files, processes and functions), made fit for a terminal: characters that would
//! move the cursor, begin a sequence of control, or turn the direction of the text are shown by their numbers.

use std::borrow::Cow;

/// Text for one line.
#[must_use]
pub fn in_a_line(text: &str) -> Cow<'_, str> {
    if text.contains(is_harmful) { text.chars().map(shown).collect::<String>().into() } else { text.into() }
}

/// Text of several lines, which may be coloured.
#[must_use]
pub fn in_lines(text: &str) -> Cow<'_, str> {
    let mut escaped = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|one| is_harmful(one) && !"\n\t".contains(one)) {
        let (before, found) = rest.split_at(at);
        let length = colour(found);
        let (found, after) =
            found.split_at(length.unwrap_or_else(|| found.chars().next().map_or(0, char::len_utf8)));
        escaped.push_str(before);
        if length.is_some() {
            escaped.push_str(found);
        } else {
            escaped.extend(found.chars().map(shown));
        }
        rest = after;
    }
    if escaped.is_empty() && rest.len() == text.len() {
        return text.into();
    }
    escaped.push_str(rest);
    escaped.into()
}

/// Length of the sequence that the text begins with, if that only colours (ECMA-48, 8.3.117).
fn colour(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("\u{1b}[")?;
    let end = inside.find(|one: char| !one.is_ascii_digit() && one != ';')?;
    inside[end..].starts_with('m').then_some(2 + end + 1)
}

fn is_harmful(one: char) -> bool {
    one.is_control()
        || matches!(one, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn shown(one: char) -> String {
    if is_harmful(one) { one.escape_default().to_string() } else { one.to_string() }
}

#[cfg(test)]
mod tests {
    use super::{in_a_line, in_lines};
    use crate::style::{BAD, paint};

    #[test]
    fn what_moves_the_cursor_is_shown_by_its_number() {
        assert_eq!(in_a_line("\u{1b}[2Ja\r\n\tb\u{202e}c"), "\\u{1b}[2Ja\\r\\n\\tb\\u{202e}c");
        assert_eq!(in_lines("\u{1b}[2Ja\r\n\tb\u{9b}1A"), "\\u{1b}[2Ja\\r\n\tb\\u{9b}1A");
    }

    #[test]
    fn words_and_colours_stay() {
        for text in ["größe 漢字 🐍 e\u{301}", "", &paint(BAD.bold(), "error:")] {
            assert_eq!(in_lines(text), text);
        }
        assert_eq!(in_a_line("größe 漢字"), "größe 漢字");
        assert_eq!(in_lines("\u{1b}[1;31mred\u{1b}[0m\u{7}"), "\u{1b}[1;31mred\u{1b}[0m\\u{7}");
    }
}
