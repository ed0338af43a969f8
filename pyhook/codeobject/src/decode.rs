//! Code bytes to a [`Body`].

use thiserror::Error;

use crate::body::{Body, Handler, HandlerId, Instruction, Label, Location};
use crate::exceptions::{self, Entry, ExceptionTableError};
use crate::lines::{self, LineTableError};
use crate::tables::{Handlers, Jump, Meaning, Op, OpInfo, Table, table};
use crate::{CodeObject, Version};

/// Code that is not what the version's compiler could have written. Offsets are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// There is no code.
    #[error("code is empty")]
    Empty,
    /// Half a code unit, or an instruction without its caches or after its last prefix.
    #[error("code ends within the instruction at byte {offset}")]
    Truncated {
        /// Where the instruction starts.
        offset: usize,
    },
    /// A number that is no instruction of `co_code` in this version.
    #[error("unknown opcode {opcode} at byte {offset}")]
    UnknownOpcode {
        /// Where the instruction starts.
        offset: usize,
        /// The number.
        opcode: u8,
    },
    /// More than three prefixes, or prefixes where there must be none.
    #[error("operand of the instruction at byte {offset} is too wide")]
    WideOperand {
        /// Where the instruction starts.
        offset: usize,
    },
    /// A cache unit that is not zero.
    #[error("cache of {op:?} at byte {offset} is not empty")]
    DirtyCache {
        /// Where the instruction starts.
        offset: usize,
        /// The instruction.
        op: Op,
    },
    /// A jump to where no instruction starts.
    #[error("{op:?} at byte {offset} jumps to where no instruction starts")]
    BadTarget {
        /// Where the instruction starts.
        offset: usize,
        /// The instruction.
        op: Op,
    },
    /// The line table is unusable.
    #[error("{0}")]
    Lines(#[from] LineTableError),
    /// The exception table is unusable.
    #[error("{0}")]
    Exceptions(#[from] ExceptionTableError),
}

const NOWHERE: u32 = u32::MAX;

/// Decodes the instructions of a code object.
///
/// # Errors
/// When the bytes are not well-formed code of the version.
pub fn decode(code: &CodeObject, version: Version) -> Result<Body, DecodeError> {
    let table = table(version);
    let mut decoder = Decoder::new(code, table)?;
    decoder.read_instructions()?;
    decoder.set_locations(code)?;
    let labels = decoder.resolve_targets()?;
    let mut body = Body { version, instructions: decoder.instructions, labels, handlers: Vec::new() };
    if table.rules.handlers == Handlers::Table {
        let entries = exceptions::decode(&code.exceptiontable)?;
        set_handlers(&mut body, &entries, &decoder.starts, &decoder.offsets)?;
    }
    Ok(body)
}

struct Decoder<'a> {
    code: &'a [u8],
    table: &'a Table,
    units: usize,
    instructions: Vec<Instruction>,
    /// Unit at which each instruction starts.
    offsets: Vec<u32>,
    /// Index of the instruction that starts at each unit.
    starts: Vec<u32>,
    /// Jumps with their target unit.
    jumps: Vec<(u32, u32)>,
}

impl<'a> Decoder<'a> {
    fn new(code: &'a CodeObject, table: &'a Table) -> Result<Self, DecodeError> {
        let bytes = &code.code[..];
        let units = bytes.len() / 2;
        match bytes.len() {
            0 => return Err(DecodeError::Empty),
            odd if odd % 2 == 1 => return Err(DecodeError::Truncated { offset: odd - 1 }),
            _ => {}
        }
        Ok(Self {
            code: bytes,
            table,
            units,
            instructions: Vec::with_capacity(units),
            offsets: Vec::with_capacity(units),
            starts: vec![NOWHERE; units + 1],
            jumps: Vec::with_capacity(units / 8),
        })
    }

    fn read_instructions(&mut self) -> Result<(), DecodeError> {
        let mut unit = 0;
        while unit < self.units {
            unit = self.read_one(unit)?;
        }
        Ok(())
    }

    /// Reads the instruction at `start`; returns the unit after it and its caches.
    fn read_one(&mut self, start: usize) -> Result<usize, DecodeError> {
        let offset = start * 2;
        let (mut unit, mut arg, mut prefixes) = (start, 0_u32, 0_u8);
        loop {
            if unit >= self.units {
                return Err(DecodeError::Truncated { offset });
            }
            let opcode = self.code[unit * 2];
            arg = arg << 8 | u32::from(self.code[unit * 2 + 1]);
            unit += 1;
            match self.table.meaning(opcode) {
                Meaning::ExtendedArg if prefixes < 3 => prefixes += 1,
                Meaning::ExtendedArg => return Err(DecodeError::WideOperand { offset }),
                Meaning::Unknown => return Err(DecodeError::UnknownOpcode { offset, opcode }),
                Meaning::Plain(place) => {
                    let info = self.table.at(place);
                    self.starts[start] = self.instructions.len() as u32;
                    let next = self.skip_caches(info, unit, offset)?;
                    self.push_plain(info, start, next, arg, prefixes)?;
                    return Ok(next);
                }
                Meaning::Fused(..) if prefixes > 0 => {
                    return Err(DecodeError::WideOperand { offset });
                }
                Meaning::Fused(first, second) => {
                    self.starts[start] = self.instructions.len() as u32;
                    let whole = Instruction::new(first, arg >> 4);
                    self.push(Instruction { fused: true, ..whole }, start);
                    self.push(Instruction::new(second, arg & 15), start);
                    return Ok(unit);
                }
            }
        }
    }

    fn skip_caches(&self, info: &OpInfo, unit: usize, offset: usize) -> Result<usize, DecodeError> {
        let next = unit + usize::from(info.caches);
        let caches = self.code.get(unit * 2..next * 2);
        let caches = caches.ok_or(DecodeError::Truncated { offset })?;
        if caches.iter().any(|byte| *byte != 0) {
            let op = info.op;
            return Err(DecodeError::DirtyCache { offset, op });
        }
        Ok(next)
    }

    fn push_plain(
        &mut self,
        info: &OpInfo,
        start: usize,
        next: usize,
        arg: u32,
        prefixes: u8,
    ) -> Result<(), DecodeError> {
        let target = self.target(info.jump, next, arg);
        let mut instruction = Instruction::new(info.op, arg);
        instruction.prefixes = prefixes;
        if let Some(target) = target {
            let error = DecodeError::BadTarget { offset: start * 2, op: info.op };
            let target = target.filter(|unit| *unit < self.units as u64).ok_or(error)?;
            self.jumps.push((self.instructions.len() as u32, target as u32));
            instruction.arg = 0;
        }
        self.push(instruction, start);
        Ok(())
    }

    /// Target unit of a jump: `None` if it is none, `Some(None)` if it is out of bounds.
    fn target(&self, jump: Jump, next: usize, arg: u32) -> Option<Option<u64>> {
        let unit = u64::from(self.table.rules.jump_unit);
        let distance = u64::from(arg) * unit;
        let whole = distance.is_multiple_of(2).then_some(distance / 2);
        let next = next as u64;
        match jump {
            Jump::None => None,
            Jump::Absolute => Some(whole),
            Jump::Forward => Some(whole.map(|distance| next + distance)),
            Jump::Backward | Jump::Marker => Some(whole.and_then(|distance| next.checked_sub(distance))),
        }
    }

    fn push(&mut self, instruction: Instruction, start: usize) {
        self.instructions.push(instruction);
        self.offsets.push(start as u32);
    }

    fn set_locations(&mut self, code: &CodeObject) -> Result<(), LineTableError> {
        let format = self.table.rules.lines;
        let runs = lines::decode(format, &code.linetable, code.firstlineno, self.units as u32)?;
        let mut runs = runs.into_iter();
        let (mut end, mut location) = (0, Location::None);
        for (instruction, offset) in self.instructions.iter_mut().zip(&self.offsets) {
            // The line is that of the instruction itself: 3.9 may give its prefix another.
            let own = *offset + u32::from(instruction.prefixes);
            while end <= own {
                let Some(run) = runs.next() else { break };
                end += run.units;
                location = run.location;
            }
            instruction.location = location;
        }
        Ok(())
    }

    fn resolve_targets(&mut self) -> Result<Vec<u32>, DecodeError> {
        let mut label_at = vec![NOWHERE; self.instructions.len()];
        let mut labels = Vec::with_capacity(self.jumps.len());
        for (index, unit) in &self.jumps {
            let position = self.starts[*unit as usize];
            let instruction = &mut self.instructions[*index as usize];
            if position == NOWHERE {
                return Err(DecodeError::BadTarget {
                    offset: self.offsets[*index as usize] as usize * 2,
                    op: instruction.op,
                });
            }
            let label = &mut label_at[position as usize];
            if *label == NOWHERE {
                *label = labels.len() as u32;
                labels.push(position);
            }
            instruction.target = Some(Label(*label));
        }
        Ok(labels)
    }
}

fn set_handlers(
    body: &mut Body,
    entries: &[Entry],
    starts: &[u32],
    offsets: &[u32],
) -> Result<(), ExceptionTableError> {
    let units = starts.len() as u32 - 1;
    let mut index = 0;
    for entry in entries {
        let is_start = |unit: u32| starts.get(unit as usize).is_some_and(|i| *i != NOWHERE);
        for unit in [entry.start, entry.end, entry.target] {
            let ends_code = unit == units && unit == entry.end;
            if !is_start(unit) && !ends_code {
                return Err(ExceptionTableError::Misplaced(unit));
            }
        }
        let id = intern_handler(body, entry, starts[entry.target as usize]);
        index = index.max(starts[entry.start as usize] as usize);
        while offsets.get(index).is_some_and(|offset| *offset < entry.end) {
            body.instructions[index].handler = Some(id);
            index += 1;
        }
    }
    Ok(())
}

fn intern_handler(body: &mut Body, entry: &Entry, position: u32) -> HandlerId {
    let same = |handler: &Handler| {
        handler.depth == entry.depth
            && handler.lasti == entry.lasti
            && body.labels[handler.target.0 as usize] == position
    };
    let found = body.handlers.iter().rposition(same);
    let id = found.unwrap_or_else(|| {
        let target = body.labels.iter().position(|label| *label == position);
        let target = target.unwrap_or(body.labels.len());
        if target == body.labels.len() {
            body.labels.push(position);
        }
        body.handlers.push(Handler { target: Label(target as u32), depth: entry.depth, lasti: entry.lasti });
        body.handlers.len() - 1
    });
    HandlerId(id as u32)
}
