//! A [`Body`] to code bytes, line table and exception table.

use thiserror::Error;

use crate::body::{Body, Handler};
use crate::depth::{DepthError, stack_depth};
use crate::exceptions::{self, Entry};
use crate::layout::{Layout, lay_out};
use crate::lines::{self, Run};
use crate::tables::{Handlers, LineFormat, Op, table};
use crate::{CodeObject, decode};

/// Instructions that cannot be written. Indices count instructions of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The version has no such instruction.
    #[error("instruction {index}: this version has no {op:?}")]
    NoSuchOp {
        /// Index of the instruction.
        index: usize,
        /// The instruction.
        op: Op,
    },
    /// A jump without target, a target without jump, or a target past the end.
    #[error("instruction {index}: {op:?} has no usable target")]
    BadTarget {
        /// Index of the instruction.
        index: usize,
        /// The instruction.
        op: Op,
    },
    /// A jump that would have to go the other way.
    #[error("instruction {index} jumps in the wrong direction")]
    WrongDirection {
        /// Index of the instruction.
        index: usize,
    },
    /// The stack depth is inconsistent.
    #[error("{0}")]
    Depth(#[from] DepthError),
}

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
    let runs = runs(body, &layout);
    let exceptiontable = match table.rules.handlers {
        Handlers::Blocks => Vec::new(),
        Handlers::Table => exceptions::encode(&entries(body, &layout)),
    };
    Ok(Encoded {
        code: write_code(&layout, table.extended_arg()),
        linetable: lines::encode(table.rules.lines, &runs, first_line),
        exceptiontable,
    })
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
    let count = layout.numbers.len();
    let mut out = Vec::with_capacity(layout.offsets[count] as usize * 2);
    let mut index = 0;
    while index < count {
        if let Some(number) = layout.fused[index] {
            out.extend([number, (layout.args[index] << 4 | layout.args[index + 1]) as u8]);
            index += 2;
            continue;
        }
        let (number, caches) = layout.numbers[index];
        let arg = layout.args[index];
        for place in (1..=layout.prefixes[index]).rev() {
            out.extend([extended_arg, (arg >> (8 * place)) as u8]);
        }
        out.extend([number, arg as u8]);
        out.resize(out.len() + usize::from(caches) * 2, 0);
        index += 1;
    }
    out
}

fn runs(body: &Body, layout: &Layout) -> Vec<Run> {
    let sizes = layout.offsets.windows(2).map(|pair| pair[1] - pair[0]);
    let pairs = body.instructions.iter().zip(sizes);
    let runs = pairs.map(|(instruction, units)| Run { units, location: instruction.location });
    runs.filter(|run| run.units > 0).collect()
}

fn entries(body: &Body, layout: &Layout) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    if body.handlers.is_empty() {
        return entries;
    }
    let mut open: Option<Handler> = None;
    for index in 0..body.instructions.len() {
        let handler = body.handler_of(index);
        let (start, end) = (layout.offsets[index], layout.offsets[index + 1]);
        if start == end {
            continue;
        }
        match (handler, entries.last_mut()) {
            (Some(new), Some(last)) if open == Some(new) => last.end = end,
            (Some(new), _) => entries.push(Entry {
                start,
                end,
                target: layout.offsets[body.position(new.target)],
                depth: new.depth,
                lasti: new.lasti,
            }),
            (None, _) => {}
        }
        open = handler;
    }
    entries
}
