//! What is wrong with a patch file, and where.

use std::fmt;

/// A patch file that can't be read: file, line and column (counted from 1), what is wrong, and the next
/// step. Shown as `file:line:column: message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub file: String,
    pub line: u32,
    pub column: u32,
    /// Lower-case fragment.
    pub message: String,
    /// What to do about it, as a sentence, where there is something to say.
    pub hint: Option<String>,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

/// A fault inside a text whose file name is added later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub line: u32,
    pub column: u32,
    pub message: String,
    pub hint: Option<String>,
}

impl Fault {
    pub fn at(line: u32, message: impl Into<String>) -> Self {
        Self { line, column: 1, message: message.into(), hint: None }
    }

    pub fn column(mut self, column: u32) -> Self {
        self.column = column;
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn in_file(self, file: &str) -> ParseError {
        let Self { line, column, message, hint } = self;
        ParseError { file: file.to_owned(), line, column, message, hint }
    }
}
