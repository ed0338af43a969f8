//! `co_lnotab` of 3.9 (Objects/lnotab_notes.txt): pairs of an unsigned byte increment and
//! a signed line increment.

use super::{LineTableError, Run};
use crate::Location;

pub(super) fn decode(
    table: &[u8],
    first_line: i32,
    units: u32,
    visit: &mut (impl FnMut(Run) + ?Sized),
) -> Result<(), LineTableError> {
    if table.len() % 2 == 1 {
        return Err(LineTableError::Truncated(table.len() - 1));
    }
    let code = units as usize * 2;
    let (mut start, mut end, mut line) = (0, 0, first_line);
    for (at, pair) in table.chunks_exact(2).enumerate() {
        end += usize::from(pair[0]);
        if end > code {
            return Err(LineTableError::Coverage { covered: end, code });
        }
        // Odd increments occur when a long distance is split at 255.
        let delta = i32::from(pair[1] as i8);
        if delta == 0 {
            continue;
        }
        if end % 2 == 1 {
            return Err(LineTableError::Malformed(at * 2));
        }
        give(visit, start, end, line);
        start = end;
        line = line.wrapping_add(delta);
    }
    give(visit, start, code, line);
    Ok(())
}

fn give(visit: &mut (impl FnMut(Run) + ?Sized), start: usize, end: usize, line: i32) {
    if end > start {
        visit(Run { units: ((end - start) / 2) as u32, location: Location::Line(line) });
    }
}

pub(super) fn encode(runs: impl Iterator<Item = Run>, first_line: i32) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut line, mut distance) = (first_line, 0);
    for run in runs {
        if let Some(new) = run.location.line().filter(|new| *new != line) {
            write_step(&mut out, distance, new.wrapping_sub(line));
            line = new;
            distance = 0;
        }
        distance += run.units * 2;
    }
    out
}

fn write_step(out: &mut Vec<u8>, mut bytes: u32, mut lines: i32) {
    while bytes > 255 {
        out.extend([255, 0]);
        bytes -= 255;
    }
    while !(-128..=127).contains(&lines) {
        let part = lines.clamp(-128, 127);
        out.extend([bytes as u8, part as u8]);
        lines -= part;
        bytes = 0;
    }
    if lines != 0 || bytes != 0 {
        out.extend([bytes as u8, lines as u8]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::collected;
    use super::*;

    #[test]
    fn long_distances_and_lines_are_chained_and_read_back() {
        let runs =
            [(300, 10), (1, 500), (2, 3)].map(|(units, line)| Run { units, location: Location::Line(line) });
        let table = encode(runs.into_iter(), 1);
        assert_eq!(collected(|visit| decode(&table, 1, 303, visit)), Ok(runs.to_vec()));
    }

    #[test]
    fn a_table_longer_than_the_code_is_refused() {
        let error = LineTableError::Coverage { covered: 6, code: 4 };
        assert_eq!(decode(&[6, 1], 1, 2, &mut |_| {}), Err(error));
    }
}
