//! A [`Body`] to code bytes, line table and exception table.

use crate::body::{Body, Handler};
use crate::depth::stack_depth;
use crate::encode_error::EncodeError;
use crate::exceptions::{self, Entry};
use crate::layout::{Layout, Part, lay_out};
use crate::lines::{self, Run};
use crate::tables::{Handlers, LineFormat, table};
use crate::{CodeObject, decode};

/// What [`encode`] writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// `co_code`
    pub code: Vec<u8>,
    /// `co_lnotab` or `co_linetable`, canonical.
    pub linetable: Vec<u8>,
    /// `co_exceptiontable`; empty before 3.11.
    pub exceptiontable: Vec<u8>,
}

/// Writes the instructions as bytes. `first_line` is `co_firstlineno`.
///
/// # Errors
/// When an instruction does not exist in the version or a jump cannot be expressed.
pub fn encode(body: &Body, first_line: i32) -> Result<Encoded, EncodeError> {
    let table = table(body.version);
    let layout = lay_out(body, table)?;
    let code = write_code(&layout, table.extended_arg());
    let exceptiontable = match table.rules.handlers {
        Handlers::Blocks => Vec::new(),
        Handlers::Table => exceptions::encode(&entries(body, &layout)),
    };
    Ok(Encoded {
        code,
        linetable: lines::encode(table.rules.lines, runs(body, &layout), first_line),
        exceptiontable,
    })
}

/// Byte offset of each instruction as [`encode`] would write it, and of the end. The second half of a
/// superinstruction is where the first is.
///
/// # Errors
/// See [`encode`].
pub fn offsets(body: &Body) -> Result<Vec<u32>, EncodeError> {
    let layout = lay_out(body, table(body.version))?;
    let mut offsets: Vec<u32> = Vec::with_capacity(layout.places.len() + 1);
    for place in &layout.places {
        let shared = offsets.last().copied().filter(|_| place.part == Part::Second);
        offsets.push(shared.unwrap_or(place.offset * 2));
    }
    offsets.push(layout.units * 2);
    Ok(offsets)
}

/// A code object with the fields of `code` and the instructions of `body`.
///
/// An unchanged body gives back the code object unchanged; a changed one gets the stack
/// size it needs.
///
/// # Errors
/// When the body cannot be encoded or its stack depth is inconsistent.
pub fn assemble(code: &CodeObject, body: &Body) -> Result<CodeObject, EncodeError> {
    let encoded = encode(body, code.firstlineno)?;
    let mut built = code.clone();
    let unchanged = encoded.code == code.code && encoded.exceptiontable == code.exceptiontable;
    if !unchanged {
        built.stacksize = stack_depth(body, code.is_generator_like())?;
    }
    // The 3.9 compiler writes redundant pairs; a table that says the same is kept.
    let lnotab = table(body.version).rules.lines == LineFormat::Lnotab;
    let keep = unchanged && lnotab && says_the_same(code, body);
    if !keep {
        built.linetable = encoded.linetable;
    }
    built.code = encoded.code;
    built.exceptiontable = encoded.exceptiontable;
    Ok(built)
}

fn says_the_same(code: &CodeObject, body: &Body) -> bool {
    decode(code, body.version).is_ok_and(|original| original.instructions == body.instructions)
}

fn write_code(layout: &Layout, extended_arg: u8) -> Vec<u8> {
    // Caches are zero, and stay so.
    let mut out = vec![0; layout.units as usize * 2];
    let (units, _) = out.as_chunks_mut();
    for place in layout.places.iter().filter(|place| place.part != Part::Second) {
        let mut at = place.offset as usize;
        for prefix in (1..=place.prefixes).rev() {
            units[at] = [extended_arg, (place.arg >> (8 * prefix)) as u8];
            at += 1;
        }
        units[at] = [place.number, place.arg as u8];
    }
    out
}

fn runs(body: &Body, layout: &Layout) -> impl Iterator<Item = Run> {
    let pairs = body.instructions.iter().zip(&layout.places);
    let written = pairs.filter(|(_, place)| place.part != Part::Second);
    written.map(|(instruction, place)| Run { units: place.units(), location: instruction.location })
}

fn entries(body: &Body, layout: &Layout) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    if body.handlers.is_empty() {
        return entries;
    }
    let mut open: Option<Handler> = None;
    for (index, place) in layout.places.iter().enumerate().filter(|(_, place)| place.part != Part::Second) {
        let handler = body.handler_of(index);
        let (start, end) = (place.offset, place.offset + place.units());
        match (handler, entries.last_mut()) {
            (Some(new), Some(last)) if open == Some(new) => last.end = end,
            (Some(new), _) => entries.push(Entry {
                start,
                end,
                target: layout.offset(body.position(new.target)),
                depth: new.depth,
                lasti: new.lasti,
            }),
            (None, _) => {}
        }
        open = handler;
    }
    entries
}
