//! Why an edit is refused.

use std::fmt;

use thiserror::Error;

use crate::{DecodeError, EncodeError, Location, Op, Text, VerifyError};

/// One place an edit could mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its number for `nth`.
    pub nth: usize,
    /// Instructions compiled from it; more than one if the compiler made copies.
    pub instructions: Vec<usize>,
    /// The instruction.
    pub op: Op,
    /// Where it stands in the source.
    pub location: Location,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nth = {}", self.nth)?;
        match self.location {
            Location::Span { line, column, .. } if column >= 0 => {
                write!(f, ": line {line}, column {}", column + 1)?;
            }
            location => {
                if let Some(line) = location.line() {
                    write!(f, ": line {line}")?;
                }
            }
        }
        write!(f, " ({}", self.op.name())?;
        if self.instructions.len() > 1 {
            write!(f, ", {} copies", self.instructions.len())?;
        }
        f.write_str(")")
    }
}

/// A refused edit.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EditError {
    /// The code cannot be decoded.
    #[error("{0}")]
    Decode(#[from] DecodeError),
    /// Not as many occurrences as expected.
    #[error("{what} occurs {} times, {expected} expected", candidates.len())]
    Occurrences {
        /// What was looked for.
        what: String,
        /// How many were expected.
        expected: usize,
        /// What was found.
        candidates: Vec<Candidate>,
    },
    /// The number of an occurrence that does not exist.
    #[error("{what} has no occurrence {nth} among {}", candidates.len())]
    NoSuchOccurrence {
        /// What was looked for.
        what: String,
        /// The number asked for.
        nth: i64,
        /// What was found.
        candidates: Vec<Candidate>,
    },
    /// No operator of that name.
    #[error("unknown operator {0:?}")]
    UnknownOperator(String),
    /// No variable of that name.
    #[error("no variable {0}")]
    NoSuchVariable(Text),
    /// A variable of that name exists already.
    #[error("a variable {0} exists already")]
    VariableExists(Text),
    /// No nested code object of that name, or several.
    #[error("no single nested function {0}")]
    NoSuchNested(Text),
    /// The edit makes no sense here.
    #[error("{0}")]
    Impossible(&'static str),
    /// The result cannot be encoded.
    #[error("{0}")]
    Encode(#[from] EncodeError),
    /// The verifier refuses the result.
    #[error("{0}")]
    Verify(#[from] VerifyError),
}

impl EditError {
    /// The places the edit could mean, for the user to choose from.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        match self {
            Self::Occurrences { candidates, .. } | Self::NoSuchOccurrence { candidates, .. } => candidates,
            _ => &[],
        }
    }
}
