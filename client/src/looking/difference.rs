//! What differs between the original and the patched code of a place.

use super::compare::{Columns, side_by_side, unified};
use super::listing::Listing;
use super::source;
use super::subject::{Found, Subject};
use crate::error::Result;
use rustix::termios::tcgetwinsize;
use serde::Serialize;

/// Width of two columns where there is no terminal.
const WIDTH: usize = 160;

/// Which of its sides is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Source,
    Instructions,
}

/// How it is shown.
pub enum Form {
    Unified,
    SideBySide(Columns),
}

/// Two texts.
pub struct Difference {
    pub level: Level,
    original: String,
    patched: String,
}

impl Form {
    /// Columns get the width of the terminal.
    #[must_use]
    pub fn new(side_by_side: bool) -> Self {
        if !side_by_side {
            return Self::Unified;
        }
        let terminal = tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col));
        Self::SideBySide(Columns::new(terminal.filter(|width| *width > 0).unwrap_or(WIDTH)))
    }

    /// The texts in this form.
    #[must_use]
    pub fn show(&self, names: (&str, &str), original: &str, patched: &str) -> String {
        match self {
            Self::Unified => unified(names, original, patched),
            Self::SideBySide(columns) => side_by_side(names, original, patched, columns),
        }
    }
}

/// The difference of each code that was found: of its source, or of its instructions where that is asked
/// for or the source does not tell.
///
/// # Errors
/// That code is malformed.
pub fn differences(found: &Found, instructions: bool) -> Result<Vec<Difference>> {
    found.subjects.iter().map(|subject| Difference::of(subject, instructions)).collect()
}

impl Difference {
    fn of(subject: &Subject, instructions: bool) -> Result<Self> {
        let before = match &subject.original {
            _ if subject.is_new => None,
            Some(original) => Some(original),
            None => Some(&subject.live),
        };
        if !instructions {
            let text = |code| source::extract(code, subject.version);
            let texts = before.map_or_else(|| Some(String::new()), text).zip(text(&subject.live));
            if let Some((original, patched)) = texts
                && (original != patched || subject.original.is_none())
            {
                return Ok(Self { level: Level::Source, original, patched });
            }
        }
        let listing = |code| Listing::new(code, subject.version).map(|listing| listing.comparable());
        Ok(Self {
            level: Level::Instructions,
            original: before.map_or_else(|| Ok(String::new()), listing)?,
            patched: Listing::new(&subject.live, subject.version)?.comparable(),
        })
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.original == self.patched
    }

    /// In a form.
    #[must_use]
    pub fn show(&self, name: &str, form: &Form) -> String {
        form.show(
            (&format!("{name} (original)"), &format!("{name} (patched)")),
            &self.original,
            &self.patched,
        )
    }

    /// Why there is no difference to show.
    #[must_use]
    pub fn nothing(subject: &Subject) -> &'static str {
        if subject.is_original_absent {
            return "the process has no original: its module was imported patched as a whole";
        }
        "no patch changes it"
    }
}
