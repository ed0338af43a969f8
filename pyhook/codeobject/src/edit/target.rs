//! The function being edited: its code object, its decoded instructions, and the pools
//! that edits append to. Existing constants and names keep their numbers.

use super::error::EditError;
use crate::tables::{Op, Operand, Table, table};
use crate::{Body, CodeObject, Constant, Incoming, Instruction, Location, Text, Version, decode};

/// A change of the function's default values that goes with the code.
#[derive(Clone, Debug, PartialEq)]
pub enum DefaultsChange {
    /// One more at the end of `__defaults__`.
    Append(Constant),
    /// A parameter of `__kwdefaults__` has another name.
    Rename(Text, Text),
}

/// The outcome of edits.
#[derive(Clone, Debug, PartialEq)]
pub struct Edited {
    /// The new code, verified.
    pub code: CodeObject,
    /// Changes of the default values, to be made with the code.
    pub defaults: Vec<DefaultsChange>,
    /// Where the changed instructions stand in the source, in the order of the edits, each once.
    pub places: Vec<Location>,
}

/// A variable of the function, as instructions address it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variable {
    Fast(u32),
    Cell(u32),
}

pub(super) struct Target {
    pub code: CodeObject,
    pub body: Body,
    pub table: &'static Table,
    pub defaults: Vec<DefaultsChange>,
    pub places: Vec<Location>,
    /// Instructions were inserted, removed or moved: references may no longer be borrowed.
    pub restructured: bool,
}

impl Target {
    pub fn new(code: &CodeObject, version: Version) -> Result<Self, EditError> {
        let body = decode(code, version)?;
        Ok(Self {
            code: code.clone(),
            body,
            table: table(version),
            defaults: Vec::new(),
            places: Vec::new(),
            restructured: false,
        })
    }

    pub fn op(&self, index: usize) -> Op {
        self.body.instructions[index].op
    }

    /// The instruction `distance` after `index`, no-operations left out.
    pub fn next_op(&self, index: usize) -> Option<Op> {
        let after = self.body.instructions.get(index + 1..)?;
        let mut ops = after.iter().map(|instruction| instruction.op);
        ops.find(|op| !matches!(op, Op::Nop | Op::NotTaken))
    }

    /// Notes that what stands at an instruction's place in the source changes.
    pub fn note(&mut self, index: usize) {
        let here = self.body.instructions.get(index).map(|instruction| instruction.location);
        self.places.extend(here.filter(|location| !self.places.contains(location)));
    }

    /// Changes an instruction in place.
    pub fn set(&mut self, index: usize, op: Op, arg: u32) {
        self.note(index);
        let instruction = &mut self.body.instructions[index];
        instruction.op = op;
        instruction.arg = arg;
        instruction.prefixes = 0;
    }

    /// Replaces an instruction by several at the same location and with the same handler.
    pub fn replace(&mut self, index: usize, new: &[(Op, u32)]) {
        self.note(index);
        let old = self.body.instructions[index];
        let made = |(op, arg): &(Op, u32)| Instruction {
            op: *op,
            arg: *arg,
            target: None,
            prefixes: 0,
            fused: false,
            ..old
        };
        let new: Vec<Instruction> = new.iter().map(made).collect();
        self.body.instructions[index] = new[0];
        self.body.insert(index + 1, &new[1..], Incoming::Keep);
        if let Some(before) = index.checked_sub(1) {
            self.body.instructions[before].fused = false;
        }
        self.restructured = true;
    }

    /// Index of a constant, appended unless it is there.
    pub fn constant(&mut self, value: &Constant) -> u32 {
        let known = self.code.consts.iter().position(|constant| constant == value);
        let index = known.unwrap_or_else(|| {
            self.code.consts.push(value.clone());
            self.code.consts.len() - 1
        });
        index as u32
    }

    /// The instruction that loads a constant.
    pub fn load_constant(&mut self, value: &Constant) -> (Op, u32) {
        match value {
            Constant::Int(small @ 0..=255) if self.table.has(Op::LoadSmallInt) => {
                (Op::LoadSmallInt, *small as u32)
            }
            _ => (Op::LoadConst, self.constant(value)),
        }
    }

    /// Index of a name, appended unless it is there.
    pub fn name(&mut self, name: &Text) -> u32 {
        let known = self.code.names.iter().position(|known| known == name);
        let index = known.unwrap_or_else(|| {
            self.code.names.push(name.clone());
            self.code.names.len() - 1
        });
        index as u32
    }

    /// The variable of that name; a local that is also a cell is addressed as cell.
    pub fn variable(&self, name: &Text) -> Result<Variable, EditError> {
        let unified = self.table.rules.unified_slots;
        let cells = self.code.cellvars.iter().chain(&self.code.freevars);
        let is_cell = cells.clone().any(|cell| cell == name);
        let found = match (is_cell, unified) {
            (true, false) => cells.clone().position(|cell| cell == name).map(|i| Variable::Cell(i as u32)),
            (true, true) => {
                let slot = self.code.slot_names().iter().position(|slot| *slot == name);
                slot.map(|slot| Variable::Cell(slot as u32))
            }
            (false, _) => {
                let slot = self.code.varnames.iter().position(|local| local == name);
                slot.map(|slot| Variable::Fast(slot as u32))
            }
        };
        found.ok_or_else(|| EditError::NoSuchVariable(name.clone()))
    }

    /// Makes room for a variable at `slot` of the locals.
    pub fn insert_local(&mut self, slot: usize, name: &Text) -> Result<(), EditError> {
        if self.variable(name).is_ok() {
            return Err(EditError::VariableExists(name.clone()));
        }
        self.code.varnames.insert(slot, name.clone());
        if self.code.slot_kinds.len() > slot {
            self.code.slot_kinds.clear();
        }
        self.renumber(|old| if old as usize >= slot { old + 1 } else { old });
        Ok(())
    }

    /// Gives the slots other numbers. Before 3.11 cells have numbers of their own.
    pub fn renumber(&mut self, new: impl Fn(u32) -> u32) {
        let unified = self.table.rules.unified_slots;
        for instruction in &mut self.body.instructions {
            match self.table.info(instruction.op).map(|info| info.operand) {
                Some(Operand::Local) => instruction.arg = new(instruction.arg),
                Some(Operand::Slot) if unified => instruction.arg = new(instruction.arg),
                _ => {}
            }
        }
    }

    /// Index into the names of an instruction, if it has one, and the flag bits below it.
    pub fn name_operand(&self, instruction: &Instruction) -> Option<(usize, u32, u8)> {
        match self.table.info(instruction.op)?.operand {
            Operand::Name(shift) => {
                let flags = instruction.arg & ((1 << shift) - 1);
                Some(((instruction.arg >> shift) as usize, flags, shift))
            }
            _ => None,
        }
    }
}
