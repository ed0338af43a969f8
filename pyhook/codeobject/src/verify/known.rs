//! What is known before the instructions that are jumped to, kept in a few flat vectors.

use std::ops::Range;

use super::Defect;
use super::kind::Kind;
use super::state::{Block, State, replace};

const NOTHING: u32 = u32::MAX;

/// The states before instructions, and which of them have to be followed.
pub(super) struct Known {
    /// Index of the record of each instruction.
    records_at: Vec<u32>,
    records: Vec<Record>,
    stacks: Vec<Kind>,
    slots: Vec<u8>,
    blocks: Vec<Block>,
    /// No instruction before this one has to be followed.
    lowest: usize,
    /// Greatest stack depth seen.
    pub most: usize,
}

struct Record {
    stack: Range<usize>,
    slots: Range<usize>,
    blocks: Range<usize>,
    /// Something was learnt since it was last followed.
    pending: bool,
}

impl Known {
    pub fn new(instructions: usize, most: usize) -> Self {
        Self {
            records_at: vec![NOTHING; instructions],
            records: Vec::new(),
            stacks: Vec::new(),
            slots: Vec::new(),
            blocks: Vec::new(),
            lowest: instructions,
            most,
        }
    }

    /// Some way leads to `index` in this state.
    pub fn arrive(&mut self, index: usize, state: &State) -> Result<(), Defect> {
        self.most = self.most.max(state.stack.len());
        let place = *self.records_at.get(index).ok_or(Defect::FallsOff)?;
        if place == NOTHING {
            self.records_at[index] = self.records.len() as u32;
            let record = self.keep(state);
            self.records.push(record);
        } else if !self.join(place as usize, state)? {
            return Ok(());
        }
        self.lowest = self.lowest.min(index);
        Ok(())
    }

    fn keep(&mut self, state: &State) -> Record {
        Record {
            stack: append(&mut self.stacks, &state.stack),
            slots: append(&mut self.slots, &state.slots),
            blocks: append(&mut self.blocks, &state.blocks),
            pending: true,
        }
    }

    /// Adds what another way knows; whether that changed anything.
    fn join(&mut self, place: usize, state: &State) -> Result<bool, Defect> {
        let record = &mut self.records[place];
        if record.stack.len() != state.stack.len() {
            return Err(Defect::Depths(record.stack.len(), state.stack.len()));
        }
        if self.blocks[record.blocks.clone()] != state.blocks[..] {
            return Err(Defect::Blocks);
        }
        let mut changed = false;
        let pairs = self.stacks[record.stack.clone()].iter_mut().zip(&state.stack);
        for (depth, (mine, other)) in pairs.enumerate().filter(|(_, (mine, other))| mine != other) {
            let joined = mine.join(*other).ok_or(Defect::Kinds(depth))?;
            changed |= joined != *mine;
            *mine = joined;
        }
        let mut news = 0;
        for (mine, other) in self.slots[record.slots.clone()].iter_mut().zip(&state.slots) {
            news |= other & !*mine;
            *mine |= other;
        }
        changed |= news != 0;
        record.pending |= changed;
        Ok(changed)
    }

    /// The first instruction that has to be followed; its state goes to `state`.
    ///
    /// First things first: where no loop leads back, all ways to an instruction have then
    /// been followed before it is.
    pub fn next(&mut self, state: &mut State) -> Option<usize> {
        while let Some(place) = self.records_at.get(self.lowest) {
            let index = self.lowest;
            self.lowest += 1;
            let record = self.records.get_mut(*place as usize).filter(|record| record.pending);
            let Some(record) = record else { continue };
            record.pending = false;
            replace(&mut state.stack, &self.stacks[record.stack.clone()]);
            replace(&mut state.slots, &self.slots[record.slots.clone()]);
            replace(&mut state.blocks, &self.blocks[record.blocks.clone()]);
            return Some(index);
        }
        None
    }
}

fn append<T: Copy>(all: &mut Vec<T>, new: &[T]) -> Range<usize> {
    let start = all.len();
    all.extend_from_slice(new);
    start..all.len()
}
