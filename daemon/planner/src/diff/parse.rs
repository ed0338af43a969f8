//! Reads unified diffs: Git's, those in mails made by `git format-patch`, and plain ones, with whatever
//! stands around them.

use super::path;
use crate::error::Fault;

/// At most this many hunks in one patch file.
const MAX_HUNKS: usize = 20_000;

/// The changes of one file.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileDiff {
    /// Names without Git's prefixes; `None` where the file is new or deleted.
    pub old: Option<String>,
    pub new: Option<String>,
    /// Line of the patch file at which its part starts, counted from 1.
    pub line: u32,
    pub hunks: Vec<Hunk>,
    /// Its content is not text, or not given.
    pub binary: bool,
    /// Renamed or copied.
    pub moved: bool,
}

/// A block of changed lines with its context.
#[derive(Clone, Debug)]
pub(crate) struct Hunk {
    /// Counted from 1 within the file's part.
    pub number: usize,
    /// Line of its `@@` in the patch file, counted from 1.
    pub line: u32,
    /// First line and number of lines in the old and the new file.
    pub old: (usize, usize),
    pub new: (usize, usize),
    pub lines: Vec<Line>,
}

/// A line of a hunk, without line ending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub kind: Kind,
    pub text: String,
    /// It is the file's last line and has no line ending.
    pub unterminated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Context,
    Delete,
    Insert,
}

impl Hunk {
    /// The lines of the old file.
    pub fn old_lines(&self) -> impl Iterator<Item = &Line> + Clone {
        self.lines.iter().filter(|line| line.kind != Kind::Insert)
    }

    /// The lines of the new file.
    pub fn new_lines(&self) -> impl Iterator<Item = &Line> + Clone {
        self.lines.iter().filter(|line| line.kind != Kind::Delete)
    }
}

/// Reads the files of a diff. `strip` as in `patch -p`.
pub(crate) fn parse(text: &str, strip: Option<u32>) -> Result<Vec<FileDiff>, Fault> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let lines: Vec<&str> = text.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l)).collect();
    let mut reader = Reader { lines, at: 0, files: Vec::new(), open: None, hunks: 0 };
    while reader.at < reader.lines.len() {
        reader.step()?;
    }
    reader.close();
    let mut files = reader.files;
    for file in &mut files {
        (file.old, file.new) = path::strip(file.old.take(), file.new.take(), strip);
    }
    Ok(files)
}

struct Reader<'t> {
    lines: Vec<&'t str>,
    /// Index of the next line.
    at: usize,
    files: Vec<FileDiff>,
    open: Option<FileDiff>,
    hunks: usize,
}

impl Reader<'_> {
    fn number(&self) -> u32 {
        u32::try_from(self.at + 1).unwrap_or(u32::MAX)
    }

    fn close(&mut self) {
        self.files.extend(self.open.take());
    }

    /// Reads one line outside of hunks, or one hunk.
    fn step(&mut self) -> Result<(), Fault> {
        let line = self.lines[self.at];
        if let Some(rest) = line.strip_prefix("diff --git ") {
            self.git_header(rest);
        } else if line.starts_with("diff --cc ") || line.starts_with("@@@ ") {
            return Err(Fault::at(self.number(), "a combined diff of a merge")
                .hint("Make the diff against one parent: `git diff PARENT MERGE`."));
        } else if line.starts_with("--- ") && self.next_starts("+++ ") {
            self.names();
            return Ok(());
        } else if line.starts_with("@@ -") || line.starts_with("@@ ") && self.open.is_some() {
            return self.hunk();
        } else if let Some(file) = &mut self.open {
            extended_header(file, line);
        }
        self.at += 1;
        Ok(())
    }

    fn next_starts(&self, prefix: &str) -> bool {
        self.lines.get(self.at + 1).is_some_and(|next| next.starts_with(prefix))
    }

    fn git_header(&mut self, rest: &str) {
        self.close();
        let (old, new) = path::git_names(rest).unzip();
        self.open = Some(FileDiff { old, new, line: self.number(), ..FileDiff::default() });
    }

    fn names(&mut self) {
        let old = path::name(&self.lines[self.at][4..]);
        let new = path::name(&self.lines[self.at + 1][4..]);
        let old = old.map(|name| name.strip_suffix(".orig").map(str::to_owned).unwrap_or(name));
        let line = self.number();
        match &mut self.open {
            Some(file) if file.hunks.is_empty() => (file.old, file.new) = (old, new),
            _ => {
                self.close();
                self.open = Some(FileDiff { old, new, line, ..FileDiff::default() });
            }
        }
        self.at += 2;
    }

    fn hunk(&mut self) -> Result<(), Fault> {
        let number = self.number();
        let header = self.lines[self.at];
        let Some((old, new)) = ranges(header) else {
            return Err(Fault::at(number, format!("malformed hunk header `{header}`"))
                .hint("Its form is `@@ -LINE,COUNT +LINE,COUNT @@`."));
        };
        self.hunks += 1;
        if self.hunks > MAX_HUNKS {
            return Err(Fault::at(number, format!("more than {MAX_HUNKS} hunks")));
        }
        self.at += 1;
        let lines = self.hunk_lines(number, old.1, new.1)?;
        let Some(file) = &mut self.open else {
            return Err(Fault::at(number, "a hunk without file names before it")
                .hint("The lines `--- a/FILE` and `+++ b/FILE` must stand before it."));
        };
        file.hunks.push(Hunk { number: file.hunks.len() + 1, line: number, old, new, lines });
        Ok(())
    }

    /// Reads as many lines as the hunk's header says.
    fn hunk_lines(&mut self, header: u32, old: usize, new: usize) -> Result<Vec<Line>, Fault> {
        let (mut old_left, mut new_left) = (old, new);
        let mut lines: Vec<Line> = Vec::with_capacity(old.max(new).min(4096));
        while old_left > 0 || new_left > 0 {
            let fits = self.lines.get(self.at).and_then(|line| split_line(line));
            let Some((kind, text)) = fits else {
                if self.mark_unterminated(&mut lines) {
                    continue;
                }
                return Err(Fault::at(self.number(), format!("the hunk at line {header} ends early: {old_left} old and {new_left} new lines are missing"))
                    .hint("The patch file is cut off or was edited; get it anew."));
            };
            let takes_old = usize::from(kind != Kind::Insert);
            let takes_new = usize::from(kind != Kind::Delete);
            if takes_old > old_left || takes_new > new_left {
                return Err(self.too_long(header));
            }
            old_left -= takes_old;
            new_left -= takes_new;
            lines.push(Line { kind, text: text.to_owned(), unterminated: false });
            self.at += 1;
        }
        self.mark_unterminated(&mut lines);
        self.ends_here(header)?;
        Ok(lines)
    }

    /// Takes a line `\ No newline at end of file`.
    fn mark_unterminated(&mut self, lines: &mut [Line]) -> bool {
        let marked = self.lines.get(self.at).is_some_and(|line| line.starts_with("\\ "));
        if marked {
            if let Some(last) = lines.last_mut() {
                last.unterminated = true;
            }
            self.at += 1;
        }
        marked
    }

    /// Changed lines behind the end of a hunk mean that its header is wrong; they are not dropped silently.
    fn ends_here(&self, header: u32) -> Result<(), Fault> {
        let Some(line) = self.lines.get(self.at) else { return Ok(()) };
        let file_names = line.starts_with("--- ") && self.next_starts("+++ ");
        let signature = *line == "-- " || *line == "--" || *line == "---";
        let changed = line.starts_with('+') || line.starts_with('-');
        if changed && !file_names && !signature { Err(self.too_long(header)) } else { Ok(()) }
    }

    fn too_long(&self, header: u32) -> Fault {
        Fault::at(self.number(), format!("the hunk at line {header} has more lines than its header says"))
            .hint("Correct the counts in its `@@` line, or make the diff anew.")
    }
}

/// Lines between `diff --git` and the first hunk.
fn extended_header(file: &mut FileDiff, line: &str) {
    if !file.hunks.is_empty() {
        return;
    }
    if line.starts_with("new file mode") {
        file.old = None;
    } else if line.starts_with("deleted file mode") {
        file.new = None;
    } else if line.starts_with("rename from ") || line.starts_with("copy from ") {
        file.moved = true;
    } else if line.starts_with("GIT binary patch") || line.starts_with("Binary files ") {
        file.binary = true;
    }
}

/// Kind and text of a line in a hunk. Mailers take the blank off empty context lines.
fn split_line(line: &str) -> Option<(Kind, &str)> {
    match line.as_bytes().first() {
        None => Some((Kind::Context, "")),
        Some(b' ') => Some((Kind::Context, &line[1..])),
        Some(b'-') => Some((Kind::Delete, &line[1..])),
        Some(b'+') => Some((Kind::Insert, &line[1..])),
        _ => None,
    }
}

type Span = (usize, usize);

/// Old and new line and count of `@@ -1,2 +3,4 @@`; a count that is left out is 1.
fn ranges(header: &str) -> Option<(Span, Span)> {
    let inner = header.strip_prefix("@@ -")?;
    let (inner, _) = inner.split_once(" @@")?;
    let (old, new) = inner.split_once(" +")?;
    Some((range(old)?, range(new)?))
}

fn range(text: &str) -> Option<Span> {
    let (line, count) = text.split_once(',').unwrap_or((text, "1"));
    Some((line.parse().ok()?, count.parse().ok()?))
}
