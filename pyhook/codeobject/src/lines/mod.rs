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

/// Reads a line table: calls `visit` for each run, in order. The runs cover `units` code
/// units, else it is an error.
pub(crate) fn decode(
    format: LineFormat,
    table: &[u8],
    first_line: i32,
    units: u32,
    visit: &mut impl FnMut(Run),
) -> Result<(), LineTableError> {
    let mut covered = 0;
    let mut count = |run: Run| {
        covered += u64::from(run.units);
        visit(run);
    };
    match format {
        LineFormat::Lnotab => lnotab::decode(table, first_line, units, &mut count)?,
        LineFormat::Ranges => ranges::decode(table, first_line, &mut count)?,
        LineFormat::Locations { .. } => locations::decode(table, first_line, &mut count)?,
    }
    if covered == u64::from(units) {
        return Ok(());
    }
    Err(LineTableError::Coverage { covered: covered as usize * 2, code: units as usize * 2 })
}

/// Writes the canonical line table for runs, one per instruction.
pub(crate) fn encode(format: LineFormat, runs: impl Iterator<Item = Run>, first_line: i32) -> Vec<u8> {
    match format {
        LineFormat::Lnotab => lnotab::encode(runs, first_line),
        LineFormat::Ranges => ranges::encode(merged(runs), first_line),
        LineFormat::Locations { merge: true } => locations::encode(merged(runs), first_line),
        LineFormat::Locations { merge: false } => locations::encode(runs, first_line),
    }
}

/// Joins neighbours at one location.
fn merged(mut runs: impl Iterator<Item = Run>) -> impl Iterator<Item = Run> {
    let mut held = runs.next();
    std::iter::from_fn(move || {
        let mut joined = held.take()?;
        for run in runs.by_ref() {
            if run.location != joined.location {
                held = Some(run);
                break;
            }
            joined.units += run.units;
        }
        Some(joined)
    })
}

#[cfg(test)]
fn collected(
    read: impl FnOnce(&mut dyn FnMut(Run)) -> Result<(), LineTableError>,
) -> Result<Vec<Run>, LineTableError> {
    let mut runs = Vec::new();
    read(&mut |run| runs.push(run))?;
    Ok(runs)
}
