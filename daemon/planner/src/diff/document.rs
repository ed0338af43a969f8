//! A text as lines that know which patch they came from.

/// Number of a patch in the order of application.
pub(crate) type Owner = usize;

/// The lines of a text while patches are applied to it.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    lines: Vec<DocumentLine>,
    /// Patches that took out lines behind the last one.
    tail: Vec<Owner>,
    ending: &'static str,
}

#[derive(Clone, Debug)]
struct DocumentLine {
    /// With its line ending.
    text: String,
    /// The patch that put it there.
    owner: Option<Owner>,
    /// Patches that took out lines right before it.
    gap: Vec<Owner>,
}

/// Replaces `removed` lines from index `start` by others (without line endings).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineEdit {
    pub start: usize,
    pub removed: usize,
    pub inserted: Vec<String>,
    /// The last inserted line is the file's last and has no line ending.
    pub unterminated: bool,
}

impl Document {
    pub fn new(text: &str) -> Self {
        let line = |text: &str| DocumentLine { text: text.to_owned(), owner: None, gap: Vec::new() };
        let crlf = text.matches("\r\n").count();
        let ending = if crlf * 2 > text.matches('\n').count() { "\r\n" } else { "\n" };
        Self { lines: text.split_inclusive('\n').map(line).collect(), tail: Vec::new(), ending }
    }

    pub fn text(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect()
    }

    /// The lines without their endings.
    pub fn bare_lines(&self) -> Vec<&str> {
        self.lines.iter().map(|line| bare(&line.text)).collect()
    }

    /// Makes edits, which are in order and do not overlap, in the name of a patch.
    pub fn edit(&mut self, edits: &[LineEdit], owner: Owner) {
        for edit in edits.iter().rev() {
            self.replace(edit, owner);
        }
        self.end_lines();
    }

    fn replace(&mut self, edit: &LineEdit, owner: Owner) {
        let last = edit.inserted.len().saturating_sub(1);
        let fresh = edit.inserted.iter().enumerate().map(|(index, text)| {
            let ending = if edit.unterminated && index == last { "" } else { self.ending };
            DocumentLine { text: format!("{text}{ending}"), owner: Some(owner), gap: Vec::new() }
        });
        let fresh: Vec<DocumentLine> = fresh.collect();
        let bare_removal = fresh.is_empty() && edit.removed > 0;
        let end = edit.start + edit.removed;
        let taken: Vec<DocumentLine> = self.lines.splice(edit.start..end, fresh).collect();
        let mut gap: Vec<Owner> = taken.into_iter().flat_map(|line| line.gap).collect();
        if bare_removal {
            gap.push(owner);
        }
        let place = self.lines.get_mut(edit.start).map_or(&mut self.tail, |line| &mut line.gap);
        place.extend(gap);
    }

    /// Every line but the last has a line ending.
    fn end_lines(&mut self) {
        let ending = self.ending;
        let but_last = self.lines.len().saturating_sub(1);
        for line in &mut self.lines[..but_last] {
            if !line.text.ends_with('\n') {
                line.text.push_str(ending);
            }
        }
    }

    /// The patches that own any of the lines, or took lines out among them.
    pub fn owners(&self, start: usize, count: usize) -> Vec<Owner> {
        let end = (start + count).min(self.lines.len());
        let mut owners: Vec<Owner> = Vec::new();
        for (index, line) in self.lines.iter().enumerate().take(end).skip(start) {
            owners.extend(line.owner);
            if index > start {
                owners.extend(&line.gap);
            }
        }
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// Runs of lines by owner: (owner, index of the first line, number of lines; 0 for lines taken out).
    pub fn runs(&self) -> Vec<(Owner, usize, usize)> {
        let mut runs: Vec<(Owner, usize, usize)> = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            runs.extend(line.gap.iter().map(|owner| (*owner, index, 0)));
            let Some(owner) = line.owner else { continue };
            match runs.last_mut() {
                Some((last, start, count)) if *last == owner && *start + *count == index => *count += 1,
                _ => runs.push((owner, index, 1)),
            }
        }
        runs.extend(self.tail.iter().map(|owner| (*owner, self.lines.len(), 0)));
        runs
    }
}

/// A line without its ending.
fn bare(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: usize, removed: usize, inserted: &[&str]) -> LineEdit {
        let inserted = inserted.iter().map(|line| (*line).to_owned()).collect();
        LineEdit { start, removed, inserted, unterminated: false }
    }

    #[test]
    fn keeps_line_endings_and_owners() {
        let mut document = Document::new("a\r\nb\r\nc");
        document.edit(&[edit(1, 1, &["B", "B2"]), edit(3, 0, &["d"])], 7);
        assert_eq!(document.text(), "a\r\nB\r\nB2\r\nc\r\nd\r\n");
        assert_eq!(document.runs(), [(7, 1, 2), (7, 4, 1)]);
        document.edit(&[edit(2, 2, &[])], 8);
        assert_eq!(document.text(), "a\r\nB\r\nd\r\n");
        assert_eq!(document.runs(), [(7, 1, 1), (8, 2, 0), (7, 2, 1)]);
        assert_eq!(document.owners(1, 2), [7, 8]);
    }

    #[test]
    fn keeps_a_missing_last_ending() {
        let mut document = Document::new("a\nb\n");
        let last = LineEdit { unterminated: true, ..edit(1, 1, &["c"]) };
        document.edit(&[last], 0);
        assert_eq!(document.text(), "a\nc");
    }
}
