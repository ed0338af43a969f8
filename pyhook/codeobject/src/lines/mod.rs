//! Line tables: bytes to one location per instruction and back, in each version's form.

mod lnotab;
mod locations;
mod ranges;
mod varint;

use thiserror::Error;

use crate::Location;
use crate::tables::LineFormat;

/// A line table that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LineTableError {
    /// The bytes end within an entry.
    #[error("line table ends within the entry at byte {0}")]
    Truncated(usize),
    /// An entry starts with a byte that cannot start one.
    #[error("line table entry at byte {0} is malformed")]
    Malformed(usize),
    /// The entries do not cover the code exactly.
    #[error("line table covers {covered} bytes of {code} bytes of code")]
    Coverage {
        /// Bytes of code covered.
        covered: usize,
        /// Bytes of code there are.
        code: usize,
    },
}

/// A run of code units at one location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub units: u32,
    pub location: Location,
}

/// Reads a line table into runs that cover `units` code units.
pub(crate) fn decode(
    format: LineFormat,
    table: &[u8],
    first_line: i32,
    units: u32,
) -> Result<Vec<Run>, LineTableError> {
    let runs = match format {
        LineFormat::Lnotab => return lnotab::decode(table, first_line, units),
        LineFormat::Ranges => ranges::decode(table, first_line)?,
        LineFormat::Locations { .. } => locations::decode(table, first_line)?,
    };
    let covered: usize = runs.iter().map(|run| run.units as usize).sum();
    if covered == units as usize {
        return Ok(runs);
    }
    Err(LineTableError::Coverage { covered: covered * 2, code: units as usize * 2 })
}

/// Writes the canonical line table for runs, one per instruction.
pub(crate) fn encode(format: LineFormat, runs: &[Run], first_line: i32) -> Vec<u8> {
    match format {
        LineFormat::Lnotab => lnotab::encode(runs, first_line),
        LineFormat::Ranges => ranges::encode(&merged(runs), first_line),
        LineFormat::Locations { merge: true } => locations::encode(&merged(runs), first_line),
        LineFormat::Locations { merge: false } => locations::encode(runs, first_line),
    }
}

fn merged(runs: &[Run]) -> Vec<Run> {
    let mut joined: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs {
        match joined.last_mut() {
            Some(last) if last.location == run.location => last.units += run.units,
            _ => joined.push(*run),
        }
    }
    joined
}
