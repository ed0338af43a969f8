//! `co_exceptiontable` of 3.11 and newer (Objects/exception_handling_notes.txt):
//! entries of start, length, target and `depth * 2 + lasti`, in code units, as big-endian
//! six-bit groups; the first byte of an entry has its highest bit set.

use thiserror::Error;

/// An exception table that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExceptionTableError {
    /// The bytes end within an entry, or an entry starts in the wrong place.
    #[error("exception table is malformed at byte {0}")]
    Malformed(usize),
    /// Entries are out of order or overlap, so that the interpreter would not find them.
    #[error("exception table entry at unit {0} is out of order")]
    Unsorted(u32),
    /// A range or target that does not fall on instructions.
    #[error("exception table names unit {0}, where no instruction starts")]
    Misplaced(u32),
}

/// One range, in code units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub start: u32,
    pub end: u32,
    pub target: u32,
    pub depth: u32,
    pub lasti: bool,
}

pub(crate) fn decode(table: &[u8]) -> Result<Vec<Entry>, ExceptionTableError> {
    let mut entries: Vec<Entry> = Vec::with_capacity(table.len() / 5);
    let mut at = 0;
    while at < table.len() {
        let begin = at;
        let malformed = ExceptionTableError::Malformed(begin);
        let start = read(table, &mut at, true).ok_or(malformed)?;
        let length = read(table, &mut at, false).ok_or(malformed)?;
        let target = read(table, &mut at, false).ok_or(malformed)?;
        let depth = read(table, &mut at, false).ok_or(malformed)?;
        let end = start.checked_add(length).ok_or(malformed)?;
        if length == 0 || entries.last().is_some_and(|last| start < last.end) {
            return Err(ExceptionTableError::Unsorted(start));
        }
        entries.push(Entry { start, end, target, depth: depth >> 1, lasti: depth & 1 == 1 });
    }
    Ok(entries)
}

fn read(bytes: &[u8], at: &mut usize, first: bool) -> Option<u32> {
    let mut byte = *bytes.get(*at)?;
    if (byte & 0x80 != 0) != first {
        return None;
    }
    let mut value = u32::from(byte & 0x3f);
    while byte & 0x40 != 0 {
        *at += 1;
        byte = *bytes.get(*at).filter(|byte| **byte & 0x80 == 0)?;
        if value >> 26 != 0 {
            return None;
        }
        value = value << 6 | u32::from(byte & 0x3f);
    }
    *at += 1;
    Some(value)
}

pub(crate) fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * 6);
    for entry in entries {
        let begin = out.len();
        write(&mut out, entry.start);
        write(&mut out, entry.end - entry.start);
        write(&mut out, entry.target);
        write(&mut out, entry.depth << 1 | u32::from(entry.lasti));
        out[begin] |= 0x80;
    }
    out
}

fn write(out: &mut Vec<u8>, value: u32) {
    let groups = (32 - value.leading_zeros()).div_ceil(6).max(1);
    for group in (0..groups).rev() {
        let more = if group > 0 { 0x40 } else { 0 };
        out.push((value >> (6 * group) & 0x3f) as u8 | more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_numbers_are_read_back() {
        let entries = [
            Entry { start: 0, end: 3, target: 70_000, depth: 0, lasti: true },
            Entry { start: 64, end: 4_200, target: 9, depth: 40, lasti: false },
        ];
        assert_eq!(decode(&encode(&entries)), Ok(entries.to_vec()));
    }

    #[test]
    fn disorder_is_refused() {
        let one = Entry { start: 5, end: 9, target: 20, depth: 0, lasti: false };
        let other = Entry { start: 2, end: 4, ..one };
        assert_eq!(decode(&encode(&[one, other])), Err(ExceptionTableError::Unsorted(2)));
        assert_eq!(decode(&[0x05]), Err(ExceptionTableError::Malformed(0)));
    }
}
