//! The abstract interpretation: every way through the code, until nothing new is learnt.

use super::kind::Kind;
use super::state::{Block, State};
use super::transfer::{Outcome, Transfer};
use super::{Defect, VerifyError};
use crate::CodeObject;
use crate::body::Body;
use crate::tables::{Handlers, Op, table};

/// Checks all ways; returns the greatest stack depth.
pub(super) fn check(code: &CodeObject, body: &Body) -> Result<u32, VerifyError> {
    let table = table(body.version);
    let entry = State::entry(code, table.rules);
    let mut flow = Flow {
        body,
        transfer: Transfer::new(code, body, table),
        known: vec![None; body.instructions.len()],
        targeted: body.targeted(),
        pending: Vec::new(),
        most: entry.stack.len().max(table.rules.min_stack as usize),
        here: 0,
    };
    let outcome = flow.explore(entry);
    match outcome {
        Ok(()) => Ok(flow.most as u32),
        Err(defect) => Err(VerifyError::at(body, flow.here, defect)),
    }
}

struct Flow<'a> {
    body: &'a Body,
    transfer: Transfer<'a>,
    /// What is known before instructions that are jumped to.
    known: Vec<Option<Box<State>>>,
    targeted: Vec<bool>,
    pending: Vec<usize>,
    most: usize,
    here: usize,
}

impl Flow<'_> {
    fn explore(&mut self, entry: State) -> Result<(), Defect> {
        match self.targeted.first() {
            Some(true) => self.arrive(0, entry)?,
            _ => self.run(0, entry)?,
        }
        while let Some(index) = self.pending.pop() {
            let state = self.known[index].as_deref().cloned().unwrap_or_default();
            self.run(index, state)?;
        }
        Ok(())
    }

    /// A jump, or the instruction before, leads to `index`.
    fn arrive(&mut self, index: usize, state: State) -> Result<(), Defect> {
        self.most = self.most.max(state.stack.len());
        match self.known.get_mut(index) {
            None => return Err(Defect::FallsOff),
            Some(Some(known)) => {
                if !known.join(&state)? {
                    return Ok(());
                }
            }
            Some(unknown) => *unknown = Some(Box::new(state)),
        }
        if !self.pending.contains(&index) {
            self.pending.push(index);
        }
        Ok(())
    }

    /// Follows the straight line from `index` on.
    fn run(&mut self, mut index: usize, mut state: State) -> Result<(), Defect> {
        let mut told = None;
        loop {
            self.here = index;
            self.tell_handler(index, &state, &mut told)?;
            let outcome = self.transfer.step(index, &mut state)?;
            self.most = self.most.max(state.stack.len());
            let next = index + 1;
            match outcome {
                Outcome::Next => {}
                Outcome::End => return Ok(()),
                Outcome::Jump { target, state } => self.arrive(target, state)?,
            }
            if self.body.instructions[index].op.ends_flow() {
                return Ok(());
            }
            match self.targeted.get(next) {
                None => return Err(Defect::FallsOff),
                Some(true) => return self.arrive(next, state),
                Some(false) => index = next,
            }
        }
    }

    /// An exception here goes to the handler with the stack cut. `told` remembers which
    /// handler knows these slots already.
    fn tell_handler(
        &mut self,
        index: usize,
        state: &State,
        told: &mut Option<(u32, u32)>,
    ) -> Result<(), Defect> {
        let instruction = &self.body.instructions[index];
        // PUSH_EXC_INFO cannot raise, and the stack is not yet what the handler cuts.
        let Some(id) = instruction.handler.filter(|_| instruction.op != Op::PushExcInfo) else {
            return Ok(());
        };
        let handler = self.body.handlers[id.0 as usize];
        let (kept, depth) = (handler.depth, state.stack.len());
        if kept as usize > depth {
            // 3.15 lets ranges end late; these two cannot raise.
            return match instruction.op {
                Op::LoadCommonConstant | Op::ReturnValue => Ok(()),
                _ => Err(Defect::HandlerDepth { kept, depth }),
            };
        }
        if *told == Some((id.0, state.changes)) {
            return Ok(());
        }
        let mut caught = State {
            stack: state.stack[..kept as usize].to_vec(),
            slots: state.slots.clone(),
            blocks: Vec::new(),
            changes: 0,
        };
        if handler.lasti {
            caught.stack.push(Kind::Lasti);
        }
        caught.stack.push(Kind::Exception);
        *told = Some((id.0, state.changes));
        self.arrive(self.body.position(handler.target), caught)
    }
}

/// The state in which a block's handler starts (3.10 and older).
pub(super) fn caught_by_block(state: &State, level: usize) -> Result<State, Defect> {
    use Kind::{Exception, Previous};
    let mut caught = state.clone();
    caught.stack.truncate(level);
    caught.stack.extend([Previous, Previous, Previous, Exception, Exception, Exception]);
    caught.push_block(Block::Handling(level))?;
    Ok(caught)
}

/// Whether exceptions are caught by blocks.
pub(super) fn uses_blocks(body: &Body) -> bool {
    table(body.version).rules.handlers == Handlers::Blocks
}
