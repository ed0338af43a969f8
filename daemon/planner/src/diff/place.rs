//! Places the hunks of one file in a text: at their line, else where their lines stand exactly once, else
//! with one or two context lines left out. Ambiguity is a misfit, never a guess.

use super::document::LineEdit;
use super::parse::{Hunk, Kind, Line};
use rustc_hash::FxHashMap;
use std::fmt::Write as _;

/// At most this many lines of context are left out at either end of a hunk.
const MAX_FUZZ: usize = 2;

/// Where the hunks of a file stand.
#[derive(Debug, Default)]
pub(crate) struct Placed {
    pub edits: Vec<LineEdit>,
    /// Hunks found elsewhere than they say, or with fuzz.
    pub notes: Vec<String>,
}

/// A hunk that fits nowhere, or at more than one place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// Lower-case fragment that names the hunk and what was found.
    pub detail: String,
    /// Lines (index, count) at which it fits best.
    pub best: Option<(usize, usize)>,
}

/// Places hunks, in order. `fuzz`: whether context lines may be left out.
pub(crate) fn place(hunks: &[Hunk], lines: &[&str], fuzz: bool) -> Result<Placed, Misfit> {
    let mut search = Search::new(lines, fuzz);
    let mut placed = Placed::default();
    for hunk in hunks {
        let found = search.find(hunk, Side::Old)?;
        placed.edits.extend(edits(hunk, &found));
        placed.notes.extend(found.note(hunk));
    }
    Ok(placed)
}

/// Whether the hunks fit backwards: their new lines stand in the text, which so has the change already.
pub(crate) fn place_reversed(hunks: &[Hunk], lines: &[&str]) -> Result<(), Misfit> {
    let mut search = Search::new(lines, false);
    hunks.iter().try_for_each(|hunk| search.find(hunk, Side::New).map(|_| ()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Old,
    New,
}

impl Side {
    fn lines(self, hunk: &Hunk) -> Vec<&str> {
        match self {
            Self::Old => hunk.old_lines().map(|line| line.text.as_str()).collect(),
            Self::New => hunk.new_lines().map(|line| line.text.as_str()).collect(),
        }
    }

    /// Index of the first line as the hunk's header says it.
    fn stated(self, hunk: &Hunk) -> usize {
        let (line, count) = if self == Self::Old { hunk.old } else { hunk.new };
        if count == 0 { line } else { line.saturating_sub(1) }
    }
}

/// A place that was found.
struct Found {
    /// Index of the first line of the hunk, left-out context included; may lie before the text.
    start: isize,
    offset: isize,
    fuzz: usize,
}

impl Found {
    fn note(&self, hunk: &Hunk) -> Option<String> {
        if self.offset == 0 && self.fuzz == 0 {
            return None;
        }
        let line = self.start + 1;
        let mut note = format!("hunk {} applied at line {line}", hunk.number);
        match (self.offset, self.fuzz) {
            (offset, 0) => _ = write!(note, " (offset {offset})"),
            (0, fuzz) => _ = write!(note, " (fuzz {fuzz})"),
            (offset, fuzz) => _ = write!(note, " (offset {offset}, fuzz {fuzz})"),
        }
        Some(note)
    }
}

struct Search<'t> {
    lines: &'t [&'t str],
    /// Line to its indices.
    index: Option<FxHashMap<&'t str, Vec<usize>>>,
    max_fuzz: usize,
    /// First line behind the hunk placed last.
    from: usize,
    /// Where that hunk stood, less where it said it would.
    drift: isize,
}

impl<'t> Search<'t> {
    fn new(lines: &'t [&'t str], fuzz: bool) -> Self {
        let max_fuzz = if fuzz { MAX_FUZZ } else { 0 };
        Self { lines, index: None, max_fuzz, from: 0, drift: 0 }
    }

    fn find(&mut self, hunk: &Hunk, side: Side) -> Result<Found, Misfit> {
        let wanted = side.lines(hunk);
        let stated = side.stated(hunk).cast_signed();
        if wanted.is_empty() {
            return self.only_if_empty(hunk);
        }
        for fuzz in 0..=self.max_fuzz {
            let (head, tail) = edges(hunk, fuzz);
            if fuzz > 0 && head + tail == 0 || head + tail >= wanted.len() {
                continue;
            }
            let part = &wanted[head..wanted.len() - tail];
            let expected = stated + self.drift + head.cast_signed();
            if let Some(at) = self.position(hunk, part, expected, fuzz)? {
                let start = at.cast_signed() - head.cast_signed();
                self.from = at + part.len();
                self.drift = start - stated;
                return Ok(Found { start, offset: start - stated, fuzz });
            }
        }
        Err(self.misfit(hunk, &wanted, stated + self.drift))
    }

    /// A hunk without old lines has a place only in an empty text.
    fn only_if_empty(&self, hunk: &Hunk) -> Result<Found, Misfit> {
        if self.lines.iter().all(|line| line.trim().is_empty()) {
            return Ok(Found { start: self.lines.len().cast_signed(), offset: 0, fuzz: 0 });
        }
        let detail = format!(
            "hunk {} (line {} of the patch) has no context, so its place can't be checked",
            hunk.number, hunk.line
        );
        Err(Misfit { detail, best: None })
    }

    /// The expected place if the lines stand there, else the only one where they stand.
    fn position(
        &mut self,
        hunk: &Hunk,
        part: &[&str],
        expected: isize,
        fuzz: usize,
    ) -> Result<Option<usize>, Misfit> {
        let at_expected = usize::try_from(expected).ok().filter(|at| *at >= self.from);
        let at_expected = at_expected.filter(|at| fits(self.lines, *at, part));
        if at_expected.is_some() && fuzz == 0 {
            return Ok(at_expected);
        }
        if part.iter().all(|line| line.trim().is_empty()) {
            return Ok(None);
        }
        match self.places(part)[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            [first, second, ..] => Err(Misfit {
                detail: format!(
                    "hunk {} (line {} of the patch) fits at line {} and at line {}, and not at its own",
                    hunk.number,
                    hunk.line,
                    first + 1,
                    second + 1
                ),
                best: Some((first, part.len())),
            }),
        }
    }

    /// Up to two places behind the last hunk where the lines stand.
    fn places(&mut self, part: &[&str]) -> Vec<usize> {
        let lines = self.lines;
        let index = self.index.get_or_insert_with(|| index(lines));
        let occurrences = |line: &str| index.get(line).map_or(0, Vec::len);
        let rarest = (0..part.len()).min_by_key(|i| occurrences(part[*i])).unwrap_or(0);
        let there = index.get(part[rarest]).map_or(&[][..], Vec::as_slice);
        let starts = there.iter().filter_map(|at| at.checked_sub(rarest));
        starts.filter(|at| *at >= self.from && fits(lines, *at, part)).take(2).collect()
    }

    /// What stands in the way at the place where most lines fit.
    fn misfit(&mut self, hunk: &Hunk, wanted: &[&str], expected: isize) -> Misfit {
        let at = self.best(wanted, expected);
        let name = format!("hunk {} (line {} of the patch)", hunk.number, hunk.line);
        let differs = wanted.iter().enumerate().find(|(i, line)| self.lines.get(at + i) != Some(*line));
        let (i, expected) = differs.unwrap_or((0, &""));
        let detail = match self.lines.get(at + i) {
            Some(found) => {
                format!("{name} does not fit: line {} is `{found}`, expected `{expected}`", at + i + 1)
            }
            None => format!("{name} does not fit: the file ends before `{expected}`"),
        };
        Misfit { detail, best: Some((at, wanted.len())) }
    }

    /// The start at which most of the lines stand; of equal ones the nearest to the expected.
    fn best(&mut self, wanted: &[&str], expected: isize) -> usize {
        let lines = self.lines;
        let index = self.index.get_or_insert_with(|| index(lines));
        let mut votes: FxHashMap<usize, usize> = FxHashMap::default();
        for (i, line) in wanted.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let occurrences = index.get(line).map_or(&[][..], Vec::as_slice);
            for at in occurrences.iter().filter_map(|at| at.checked_sub(i)) {
                *votes.entry(at).or_default() += 1;
            }
        }
        let nearness = |at: usize| std::cmp::Reverse(at.cast_signed().abs_diff(expected));
        let best = votes.into_iter().max_by_key(|(at, votes)| (*votes, nearness(*at)));
        best.map_or(usize::try_from(expected).unwrap_or(0), |(at, _)| at)
    }
}

fn index<'t>(lines: &'t [&'t str]) -> FxHashMap<&'t str, Vec<usize>> {
    let mut index: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
    for (at, line) in lines.iter().enumerate() {
        index.entry(line).or_default().push(at);
    }
    index
}

fn fits(lines: &[&str], at: usize, part: &[&str]) -> bool {
    lines.get(at..at + part.len()).is_some_and(|there| there == part)
}

/// How many context lines to leave out at the start and at the end. The line next to a change stays: it
/// alone tells that the change belongs there.
fn edges(hunk: &Hunk, fuzz: usize) -> (usize, usize) {
    let context = |line: &&Line| line.kind == Kind::Context;
    let head = hunk.lines.iter().take_while(context).count();
    let tail = hunk.lines.iter().rev().take_while(context).count();
    (head.saturating_sub(1).min(fuzz), tail.saturating_sub(1).min(fuzz))
}

/// The runs of changed lines of a hunk that was found.
fn edits(hunk: &Hunk, found: &Found) -> Vec<LineEdit> {
    let mut edits: Vec<LineEdit> = Vec::new();
    let mut at = found.start;
    let mut open = false;
    for line in &hunk.lines {
        if line.kind == Kind::Context {
            open = false;
            at += 1;
            continue;
        }
        if !open {
            let start = usize::try_from(at).unwrap_or(0);
            let inserted = Vec::new();
            edits.push(LineEdit { start, removed: 0, inserted, unterminated: false });
            open = true;
        }
        let Some(edit) = edits.last_mut() else { continue };
        if line.kind == Kind::Delete {
            edit.removed += 1;
            at += 1;
        } else {
            edit.inserted.push(line.text.clone());
            edit.unterminated = line.unterminated;
        }
    }
    edits
}
