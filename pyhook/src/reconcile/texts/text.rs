//! One module's text, read once for many questions.

use super::imports::{Imported, from_imports};
use super::uses::{self, Counts};
use super::{Line, is_word, lines};
use std::collections::HashSet;
use std::fs;

/// A text's statements, and the names in them.
pub struct Text {
    lines: Vec<Line>,
    names: HashSet<String>,
}

impl Text {
    /// What a file has; empty where it can't be read.
    pub fn read(file: &str) -> Self {
        Self::of(&fs::read_to_string(file).unwrap_or_default())
    }

    fn of(text: &str) -> Self {
        let lines = lines(text);
        let mut names = HashSet::new();
        lines.iter().for_each(|line| note_names(&line.text, &mut names));
        Self { lines, names }
    }

    /// What it imports from others, as a module of that package.
    pub fn imports(&self, package: &str) -> Vec<Imported> {
        from_imports(&self.lines, package)
    }

    /// Names (dotted, with their lines) that statements outside functions compute from a name.
    pub fn uses(&self, name: &str, counts: Counts) -> Vec<(String, u32)> {
        match self.names.contains(name) {
            true => uses::uses(&self.lines, name, counts),
            false => Vec::new(),
        }
    }

    /// The line in which a name stands first; 0 where it stands nowhere.
    pub fn mentioned(&self, name: &str) -> u32 {
        uses::mentioned(&self.lines, name).unwrap_or(0)
    }

    /// The line in which a class of that name begins; 0 where none does.
    pub fn class(&self, name: &str) -> u32 {
        let begins = |line: &&Line| {
            let header = line.text.strip_prefix("class ").map(str::trim_start);
            let rest = header.and_then(|header| header.strip_prefix(name));
            rest.is_some_and(|rest| rest.trim_start().starts_with(['(', ':', '[']))
        };
        self.lines.iter().find(begins).map_or(0, |line| line.number)
    }

    /// What follows a name and a dot, wherever it stands in the text: `c.d` of `a.b.c.d` for `a.b`, and `c`.
    pub fn attributes<'t>(&'t self, name: &str) -> impl Iterator<Item = &'t str> {
        let within = move |known: &'t String| known.strip_prefix(name)?.strip_prefix('.');
        self.names.iter().filter_map(within)
    }
}

/// Adds the names that stand in a statement, and what dotted ones begin with.
fn note_names(statement: &str, names: &mut HashSet<String>) {
    for name in statement.split(|c| !is_word(c) && c != '.') {
        let ends = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
        for known in ends.map(|end| &name[..end]).filter(|known| !known.is_empty()) {
            if !names.contains(known) {
                names.insert(known.to_owned());
            }
        }
    }
}
