//! `co_linetable` of 3.10 (PEP 626): pairs of an unsigned byte length and a signed line
//! increment, where -128 means "no line".

use super::{LineTableError, Run};
use crate::Location;

const NO_LINE: i8 = -128;
const LONGEST: u32 = 254;

pub(super) fn decode(
    table: &[u8],
    first_line: i32,
    visit: &mut (impl FnMut(Run) + ?Sized),
) -> Result<(), LineTableError> {
    if table.len() % 2 == 1 {
        return Err(LineTableError::Truncated(table.len() - 1));
    }
    let mut line = first_line;
    for (at, pair) in table.chunks_exact(2).enumerate() {
        if pair[0] % 2 == 1 {
            return Err(LineTableError::Malformed(at * 2));
        }
        let location = match pair[1] as i8 {
            NO_LINE => Location::None,
            delta => {
                line = line.wrapping_add(i32::from(delta));
                Location::Line(line)
            }
        };
        if pair[0] > 0 {
            visit(Run { units: u32::from(pair[0]) / 2, location });
        }
    }
    Ok(())
}

pub(super) fn encode(runs: impl Iterator<Item = Run>, first_line: i32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut previous = first_line;
    for run in runs {
        let line = run.location.line();
        let delta = match line {
            None => NO_LINE,
            Some(line) => {
                let delta = line.wrapping_sub(previous);
                previous = line;
                write_far_lines(&mut out, delta)
            }
        };
        write_range(&mut out, run.units * 2, delta);
    }
    out
}

fn write_far_lines(out: &mut Vec<u8>, mut delta: i32) -> i8 {
    while !(-127..=127).contains(&delta) {
        let part = delta.clamp(-127, 127);
        out.extend([0, part as u8]);
        delta -= part;
    }
    delta as i8
}

fn write_range(out: &mut Vec<u8>, mut bytes: u32, mut delta: i8) {
    while bytes > LONGEST {
        out.extend([LONGEST as u8, delta as u8]);
        delta = if delta == NO_LINE { NO_LINE } else { 0 };
        bytes -= LONGEST;
    }
    if bytes > 0 {
        out.extend([bytes as u8, delta as u8]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::collected;
    use super::*;

    #[test]
    fn ranges_without_line_far_lines_and_long_ranges_are_read_back() {
        let lines = [Location::Line(400), Location::None, Location::Line(2)];
        let runs = lines.map(|location| Run { units: 100, location });
        let table = encode(runs.into_iter(), 1);
        assert_eq!(collected(|visit| decode(&table, 1, visit)), Ok(runs.to_vec()));
        let long = [Run { units: 200, location: Location::None }];
        assert_eq!(encode(long.into_iter(), 1), [254, 0x80, 146, 0x80]);
    }
}
