//! What is known before an instruction: the stack, the slots and (3.10 and older) the
//! blocks.

use super::Defect;
use super::kind::{Kind, slot};
use crate::CodeObject;
use crate::tables::{Rules, Want};

/// A block of 3.10 and older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Catches exceptions: the stack is cut to this level.
    Setup(usize),
    /// An exception is being handled: three saved values lie above this level.
    Handling(usize),
}

/// `CO_MAXBLOCKS`
const MAX_BLOCKS: usize = 20;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub stack: Vec<Kind>,
    pub slots: Vec<u8>,
    pub blocks: Vec<Block>,
    /// Counts the changes of slots, so that handlers are told of each.
    pub changes: u32,
}

impl State {
    /// At the first instruction.
    pub fn entry(code: &CodeObject, rules: &Rules) -> Self {
        let parameters = code.parameter_count();
        let locals = code.varnames.iter().enumerate();
        let mut slots: Vec<u8> = locals
            .map(|(index, name)| match index < parameters {
                true => slot::parameter(name.as_bytes()),
                false => slot::UNBOUND,
            })
            .collect();
        // `format` is an int, and compared without the conversion other tests get (3.14).
        if code.name == "__annotate__" && parameters == 1 {
            slots[0] = slot::INT;
        }
        if rules.unified_slots {
            let rest = code.own_cells().count() + code.freevars.len();
            slots.resize(slots.len() + rest, slot::UNBOUND);
        }
        let depth = if code.is_generator_like() { rules.generator_depth } else { 0 };
        Self { stack: vec![Kind::Object; depth as usize], slots, blocks: Vec::new(), changes: 0 }
    }

    pub fn pop(&mut self) -> Result<Kind, Defect> {
        self.stack.pop().ok_or(Defect::Underflow)
    }

    /// Takes a value that must satisfy `want`.
    pub fn take(&mut self, want: Want, rules: &Rules) -> Result<Kind, Defect> {
        let kind = self.pop()?;
        if kind.satisfies(want, rules.exact_bools) {
            return Ok(kind);
        }
        Err(mismatch(want, kind))
    }

    /// The value `depth` from the top, 1 being the top.
    pub fn peek(&self, depth: u32) -> Result<Kind, Defect> {
        let place = self.stack.len().checked_sub(depth as usize);
        let place = place.filter(|_| depth > 0).ok_or(Defect::Underflow)?;
        Ok(self.stack[place])
    }

    pub fn set_slot(&mut self, slot: u32, bits: u8) {
        let held = &mut self.slots[slot as usize];
        if *held != bits {
            *held = bits;
            self.changes += 1;
        }
    }

    /// Whether a reference borrowed from the slot is on the stack.
    pub fn lends(&self, slot: u32) -> bool {
        self.stack.contains(&Kind::Borrowed(slot))
    }

    pub fn push_block(&mut self, block: Block) -> Result<(), Defect> {
        if self.blocks.len() == MAX_BLOCKS {
            return Err(Defect::Block("too many blocks"));
        }
        self.blocks.push(block);
        Ok(())
    }

    /// Checks that the innermost block still finds the depth it needs.
    pub fn above_floor(&self) -> Result<(), Defect> {
        if self.stack.len() < self.floor() {
            return Err(Defect::Underflow);
        }
        Ok(())
    }

    /// The least depth the innermost block needs.
    pub fn floor(&self) -> usize {
        match self.blocks.last() {
            None => 0,
            Some(Block::Setup(level)) => *level,
            Some(Block::Handling(level)) => level + 3,
        }
    }

    /// Becomes another state without new allocations.
    pub fn become_copy_of(&mut self, other: &State) {
        replace(&mut self.stack, &other.stack);
        replace(&mut self.slots, &other.slots);
        replace(&mut self.blocks, &other.blocks);
    }
}

pub(super) fn mismatch(want: Want, found: Kind) -> Defect {
    Defect::Value { wanted: format!("{want:?}"), found: format!("{found:?}") }
}

/// Makes `held` equal to `new` without a new allocation.
pub(super) fn replace<T: Copy>(held: &mut Vec<T>, new: &[T]) {
    held.clear();
    held.extend_from_slice(new);
}
