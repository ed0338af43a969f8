//! Code bytes to a [`Body`].

use thiserror::Error;

use crate::body::{Body, Handler, HandlerId, Instruction, Label};
use crate::exceptions::{self, Entry, ExceptionTableError};
use crate::lines::{self, LineTableError};
use crate::tables::{Handlers, Jump, Meaning, Op, Shape, Table, table};
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
    decoder.resolve_targets()?;
    if table.rules.handlers == Handlers::Table {
        decoder.set_handlers(&exceptions::decode(&code.exceptiontable)?)?;
    }
    let Decoder { instructions, labels, handlers, .. } = decoder;
    Ok(Body { version, instructions, labels, handlers })
}

/// What is at a code unit.
#[derive(Clone, Copy)]
struct Start {
    /// Index of the instruction that starts here.
    index: u32,
    /// Label that stands before it.
    label: u32,
}

struct Decoder<'a> {
    /// Code units: opcode and argument byte.
    code: &'a [[u8; 2]],
    table: &'a Table,
    instructions: Vec<Instruction>,
    /// Unit at which each instruction starts.
    offsets: Vec<u32>,
    /// By unit.
    starts: Vec<Start>,
    labels: Vec<u32>,
    handlers: Vec<Handler>,
    /// Jumps with their target unit.
    jumps: Vec<(u32, u32)>,
}

impl<'a> Decoder<'a> {
    fn new(code: &'a CodeObject, table: &'a Table) -> Result<Self, DecodeError> {
        let (units, rest) = code.code.as_chunks();
        match (units.len(), rest) {
            (_, [_]) => return Err(DecodeError::Truncated { offset: units.len() * 2 }),
            (0, _) => return Err(DecodeError::Empty),
            _ => {}
        }
        let (code, units) = (units, units.len());
        Ok(Self {
            code,
            table,
            instructions: Vec::with_capacity(units),
            offsets: Vec::with_capacity(units),
            starts: vec![Start { index: NOWHERE, label: NOWHERE }; units + 1],
            labels: Vec::new(),
            handlers: Vec::new(),
            jumps: Vec::with_capacity(units / 8),
        })
    }

    fn read_instructions(&mut self) -> Result<(), DecodeError> {
        let mut unit = 0;
        while let Some([opcode, byte]) = self.code.get(unit).copied() {
            self.starts[unit].index = self.instructions.len() as u32;
            unit = match self.table.meaning(opcode) {
                Meaning::Plain(shape) => self.read_plain(shape, unit, unit + 1, u32::from(byte))?,
                _ => self.read_special(unit)?,
            };
        }
        Ok(())
    }

    /// Reads what has prefixes, or is no plain instruction; returns the unit after it.
    #[cold]
    fn read_special(&mut self, start: usize) -> Result<usize, DecodeError> {
        let offset = start * 2;
        let (mut unit, mut arg) = (start, 0_u32);
        loop {
            let Some([opcode, byte]) = self.code.get(unit).copied() else {
                return Err(DecodeError::Truncated { offset });
            };
            let prefixes = unit - start;
            arg = arg << 8 | u32::from(byte);
            unit += 1;
            match self.table.meaning(opcode) {
                Meaning::Plain(shape) => return self.read_plain(shape, start, unit, arg),
                Meaning::ExtendedArg if prefixes < 3 => {}
                Meaning::Unknown => return Err(DecodeError::UnknownOpcode { offset, opcode }),
                Meaning::Fused(first, second) if prefixes == 0 => {
                    let whole = Instruction::new(first, arg >> 4);
                    self.push(Instruction { fused: true, ..whole }, start);
                    self.push(Instruction::new(second, arg & 15), start);
                    return Ok(unit);
                }
                Meaning::ExtendedArg | Meaning::Fused(..) => {
                    return Err(DecodeError::WideOperand { offset });
                }
            }
        }
    }

    /// Takes an instruction of which `start` is the first unit and `unit` the one after the
    /// operand; returns the unit after its caches.
    #[inline]
    fn read_plain(
        &mut self,
        shape: Shape,
        start: usize,
        unit: usize,
        arg: u32,
    ) -> Result<usize, DecodeError> {
        let next = self.skip_caches(shape, unit, start * 2)?;
        let mut instruction = Instruction::new(shape.op, arg);
        instruction.prefixes = (unit - start - 1) as u8;
        if shape.jump != Jump::None {
            let error = DecodeError::BadTarget { offset: start * 2, op: shape.op };
            let target = self.target(shape.jump, next, arg);
            let target = target.filter(|unit| *unit < self.code.len() as u64).ok_or(error)?;
            self.jumps.push((self.instructions.len() as u32, target as u32));
            instruction.arg = 0;
        }
        self.push(instruction, start);
        Ok(next)
    }

    fn skip_caches(&self, shape: Shape, unit: usize, offset: usize) -> Result<usize, DecodeError> {
        let next = unit + usize::from(shape.caches);
        let caches = self.code.get(unit..next).ok_or(DecodeError::Truncated { offset })?;
        let bits = caches.iter().fold(0, |bits, cache| bits | u16::from_ne_bytes(*cache));
        if bits != 0 {
            let op = shape.op;
            return Err(DecodeError::DirtyCache { offset, op });
        }
        Ok(next)
    }

    /// Target unit of a jump, if it can be one.
    fn target(&self, jump: Jump, next: usize, arg: u32) -> Option<u64> {
        let distance = u64::from(arg) * u64::from(self.table.rules.jump_unit);
        let distance = distance.is_multiple_of(2).then_some(distance / 2)?;
        let next = next as u64;
        match jump {
            Jump::None => None,
            Jump::Absolute => Some(distance),
            Jump::Forward => Some(next + distance),
            Jump::Backward | Jump::Marker => next.checked_sub(distance),
        }
    }

    fn push(&mut self, instruction: Instruction, start: usize) {
        self.instructions.push(instruction);
        self.offsets.push(start as u32);
    }

    fn set_locations(&mut self, code: &CodeObject) -> Result<(), LineTableError> {
        let format = self.table.rules.lines;
        let (instructions, offsets) = (&mut self.instructions, &self.offsets);
        let (mut index, mut end) = (0, 0);
        lines::decode(format, &code.linetable, code.firstlineno, self.code.len() as u32, &mut |run| {
            end += run.units;
            while let (Some(instruction), Some(offset)) = (instructions.get_mut(index), offsets.get(index)) {
                // The line is that of the instruction itself: 3.9 may give its prefix another.
                if offset + u32::from(instruction.prefixes) >= end {
                    break;
                }
                instruction.location = run.location;
                index += 1;
            }
        })
    }

    fn resolve_targets(&mut self) -> Result<(), DecodeError> {
        for place in 0..self.jumps.len() {
            let (index, unit) = self.jumps[place];
            let label = self.label(unit);
            let instruction = &mut self.instructions[index as usize];
            let offset = self.offsets[index as usize] as usize * 2;
            let label = label.ok_or(DecodeError::BadTarget { offset, op: instruction.op })?;
            instruction.target = Some(label);
        }
        Ok(())
    }

    /// The label before the instruction that starts at a unit.
    fn label(&mut self, unit: u32) -> Option<Label> {
        let start = self.starts.get_mut(unit as usize).filter(|start| start.index != NOWHERE)?;
        if start.label == NOWHERE {
            start.label = self.labels.len() as u32;
            self.labels.push(start.index);
        }
        Some(Label(start.label))
    }

    fn set_handlers(&mut self, entries: &[Entry]) -> Result<(), ExceptionTableError> {
        let mut index = 0;
        for entry in entries {
            let start = self.instruction_at(entry.start)?;
            if entry.end as usize != self.code.len() {
                self.instruction_at(entry.end)?;
            }
            let id = self.intern_handler(entry)?;
            index = index.max(start as usize);
            while self.offsets.get(index).is_some_and(|offset| *offset < entry.end) {
                self.instructions[index].handler = Some(id);
                index += 1;
            }
        }
        Ok(())
    }

    fn instruction_at(&self, unit: u32) -> Result<u32, ExceptionTableError> {
        let index = self.starts.get(unit as usize).map_or(NOWHERE, |start| start.index);
        if index == NOWHERE {
            return Err(ExceptionTableError::Misplaced(unit));
        }
        Ok(index)
    }

    fn intern_handler(&mut self, entry: &Entry) -> Result<HandlerId, ExceptionTableError> {
        let target = self.label(entry.target).ok_or(ExceptionTableError::Misplaced(entry.target))?;
        let handler = Handler { target, depth: entry.depth, lasti: entry.lasti };
        let found = self.handlers.iter().rposition(|known| *known == handler);
        let id = found.unwrap_or_else(|| {
            self.handlers.push(handler);
            self.handlers.len() - 1
        });
        Ok(HandlerId(id as u32))
    }
}
