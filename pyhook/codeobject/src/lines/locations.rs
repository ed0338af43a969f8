//! `co_linetable` of 3.11 and newer (Objects/locations.md): entries of a head byte
//! `1kkkklll` (form, units - 1) and what the form asks for.

use super::varint::{read, read_signed, write, write_signed};
use super::{LineTableError, Run};
use crate::Location;

const ONE_LINE: u8 = 10;
const NO_COLUMNS: u8 = 13;
const LONG: u8 = 14;
const NO_LOCATION: u8 = 15;
const LONGEST: u32 = 8;

pub(super) fn decode(
    table: &[u8],
    first_line: i32,
    visit: &mut (impl FnMut(Run) + ?Sized),
) -> Result<(), LineTableError> {
    let (mut at, mut line) = (0, first_line);
    while at < table.len() {
        let start = at;
        let head = table[at];
        if head & 0x80 == 0 {
            return Err(LineTableError::Malformed(at));
        }
        at += 1;
        let form = head >> 3 & 15;
        let location =
            decode_form(form, table, &mut at, &mut line).ok_or(LineTableError::Truncated(start))?;
        visit(Run { units: u32::from(head & 7) + 1, location });
    }
    Ok(())
}

fn decode_form(form: u8, table: &[u8], at: &mut usize, line: &mut i32) -> Option<Location> {
    let (end_line, column, end_column) = match form {
        NO_LOCATION => return Some(Location::None),
        NO_COLUMNS => {
            *line = line.wrapping_add(read_signed(table, at)?);
            return Some(Location::Line(*line));
        }
        LONG => {
            *line = line.wrapping_add(read_signed(table, at)?);
            let end_line = line.wrapping_add(read(table, at)? as i32);
            let column = (read(table, at)? as i32).wrapping_sub(1);
            (end_line, column, (read(table, at)? as i32).wrapping_sub(1))
        }
        ONE_LINE..NO_COLUMNS => {
            *line = line.wrapping_add(i32::from(form - ONE_LINE));
            let columns = table.get(*at..*at + 2)?;
            *at += 2;
            (*line, i32::from(columns[0]), i32::from(columns[1]))
        }
        short => {
            let byte = *table.get(*at)?;
            *at += 1;
            let column = i32::from(short << 3 | byte >> 4 & 7);
            (*line, column, column + i32::from(byte & 15))
        }
    };
    Some(Location::Span { line: *line, end_line, column, end_column })
}

pub(super) fn encode(runs: impl Iterator<Item = Run>, first_line: i32) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 * runs.size_hint().1.unwrap_or(32));
    let mut line = first_line;
    for run in runs {
        let mut units = run.units;
        while units > LONGEST {
            write_entry(&mut out, run.location, LONGEST, &mut line);
            units -= LONGEST;
        }
        if units > 0 {
            write_entry(&mut out, run.location, units, &mut line);
        }
    }
    out
}

fn write_entry(out: &mut Vec<u8>, location: Location, units: u32, line: &mut i32) {
    let head = |form: u8| 0x80 | form << 3 | (units - 1) as u8;
    match location {
        Location::None => out.push(head(NO_LOCATION)),
        Location::Line(new) => {
            out.push(head(NO_COLUMNS));
            write_signed(out, new.wrapping_sub(*line));
            *line = new;
        }
        Location::Span { line: new, end_line, column, end_column } => {
            let delta = new.wrapping_sub(*line);
            *line = new;
            let same_line = end_line == new && column >= 0 && end_column >= 0;
            let width = end_column.wrapping_sub(column);
            if same_line && delta == 0 && column < 80 && (0..16).contains(&width) {
                out.push(head((column >> 3) as u8));
                out.push(((column & 7) << 4 | width) as u8);
            } else if same_line && (0..3).contains(&delta) && column < 128 && end_column < 128 {
                out.push(head(ONE_LINE + delta as u8));
                out.extend([column as u8, end_column as u8]);
            } else {
                out.push(head(LONG));
                write_signed(out, delta);
                write(out, end_line.wrapping_sub(new) as u32);
                write(out, column.wrapping_add(1) as u32);
                write(out, end_column.wrapping_add(1) as u32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::collected;
    use super::*;

    fn span(line: i32, end_line: i32, column: i32, end_column: i32) -> Location {
        Location::Span { line, end_line, column, end_column }
    }

    #[test]
    fn every_form_is_read_back() {
        let locations = [
            span(1, 1, 4, 9),
            span(3, 3, 100, 120),
            span(2, 8, 0, 300),
            span(2, 2, -1, -1),
            Location::Line(9),
            Location::None,
        ];
        let runs = locations.map(|location| Run { units: 3, location });
        let table = encode(runs.into_iter(), 1);
        assert_eq!(collected(|visit| decode(&table, 1, visit)), Ok(runs.to_vec()));
    }

    #[test]
    fn the_shortest_form_is_chosen() {
        let short = [Run { units: 1, location: span(1, 1, 8, 9) }];
        assert_eq!(encode(short.into_iter(), 1), [0x88, 0x01]);
        let next_line = [Run { units: 2, location: span(2, 2, 8, 9) }];
        assert_eq!(encode(next_line.into_iter(), 1), [0xd9, 8, 9]);
    }

    #[test]
    fn a_truncated_entry_is_refused() {
        assert_eq!(decode(&[0xd9, 8], 1, &mut |_| {}), Err(LineTableError::Truncated(0)));
        assert_eq!(decode(&[0x08], 1, &mut |_| {}), Err(LineTableError::Malformed(0)));
    }
}
