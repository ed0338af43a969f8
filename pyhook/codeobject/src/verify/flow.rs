//! The abstract interpretation: every way through the code, until nothing new is learnt.

use super::kind::Kind;
use super::known::Known;
use super::state::{State, replace};
use super::transfer::{Outcome, Transfer};
use super::{Defect, VerifyError};
use crate::CodeObject;
use crate::body::{Body, Instruction};
use crate::tables::{Op, Table, table};

/// Checks all ways; returns the greatest stack depth.
pub(super) fn check(code: &CodeObject, body: &Body, targeted: &[bool]) -> Result<u32, VerifyError> {
    let table = table(body.version);
    let entry = State::entry(code, table.rules);
    let most = entry.stack.len().max(table.rules.min_stack as usize);
    let mut flow = Flow {
        body,
        table,
        transfer: Transfer::new(code, body, table),
        known: Known::new(body.instructions.len(), most),
        targeted,
        elsewhere: State::default(),
        here: 0,
    };
    let outcome = flow.explore(entry);
    match outcome {
        Ok(()) => Ok(flow.known.most as u32),
        Err(defect) => Err(VerifyError::at(body, flow.here, defect)),
    }
}

struct Flow<'a> {
    body: &'a Body,
    table: &'a Table,
    transfer: Transfer<'a>,
    known: Known,
    targeted: &'a [bool],
    /// The state in which a jump or an exception leaves the straight line.
    elsewhere: State,
    here: usize,
}

impl Flow<'_> {
    fn explore(&mut self, entry: State) -> Result<(), Defect> {
        let mut state = entry;
        match self.targeted.first() {
            Some(true) => self.known.arrive(0, &state)?,
            _ => self.run(0, &mut state)?,
        }
        while let Some(index) = self.known.next(&mut state) {
            self.run(index, &mut state)?;
        }
        Ok(())
    }

    /// Follows the straight line from `index` on.
    fn run(&mut self, mut index: usize, state: &mut State) -> Result<(), Defect> {
        let mut told = None;
        loop {
            self.here = index;
            if self.body.instructions[index].handler.is_some() {
                self.tell_handler(index, state, &mut told)?;
            }
            let outcome = self.transfer.step(index, state, &mut self.elsewhere)?;
            self.known.most = self.known.most.max(state.stack.len());
            match outcome {
                Outcome::Next => {}
                Outcome::End => return Ok(()),
                Outcome::Jump { target, falls_through } => {
                    self.known.arrive(target, &self.elsewhere)?;
                    if !falls_through {
                        return Ok(());
                    }
                }
            }
            index += 1;
            match self.targeted.get(index) {
                None => return Err(Defect::FallsOff),
                Some(true) => return self.known.arrive(index, state),
                Some(false) => {}
            }
        }
    }

    /// Depth of the stack where an instruction raises: without the values that it takes first.
    fn left_when_raising(&self, instruction: &Instruction, state: &State) -> Result<usize, Defect> {
        let (depth, op, arg) = (state.stack.len(), instruction.op, instruction.arg);
        let Some(info) = self.table.info(op).filter(|_| !never_raises(op)) else { return Ok(depth) };
        let gone = match looks_below(op) {
            true => info.signature().taken_above_alike(arg),
            false => info.signature().counts(arg).0,
        };
        depth.checked_sub(gone as usize).ok_or(Defect::Underflow)
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
        let (kept, depth) = (handler.depth, self.left_when_raising(instruction, state)?);
        if kept as usize > depth {
            // 3.15 lets ranges end late; these two cannot raise.
            return match instruction.op {
                Op::LoadCommonConstant | Op::ReturnValue => Ok(()),
                _ => Err(Defect::HandlerDepth { kept, depth }),
            };
        }
        if *told == Some((id.0, state.changes)) || puts_back(instruction.op, state) {
            return Ok(());
        }
        let caught = &mut self.elsewhere;
        replace(&mut caught.stack, &state.stack[..kept as usize]);
        replace(&mut caught.slots, &state.slots);
        caught.blocks.clear();
        if handler.lasti {
            caught.stack.push(Kind::Lasti);
        }
        caught.stack.push(Kind::Exception);
        *told = Some((id.0, state.changes));
        self.known.arrive(self.body.position(handler.target), caught)
    }
}

/// What looks at values and leaves them where they are, also where it raises (Python/bytecodes.c).
fn looks_below(op: Op) -> bool {
    use Op::{CheckExcMatch, CleanupThrow, ForIter, GetAnext, GetLen, ImportFrom, MatchKeys, Send};
    matches!(op, CheckExcMatch | CleanupThrow | ForIter | GetAnext | GetLen | ImportFrom | MatchKeys | Send)
        || matches!(op, Op::MatchMapping | Op::MatchSequence | Op::WithExceptStart | Op::YieldValue)
}

/// What only moves or drops values, or leaves.
fn never_raises(op: Op) -> bool {
    matches!(op, Op::PopTop | Op::StoreFast | Op::EndFor | Op::PopIter | Op::EndSend | Op::PopExcept)
        || matches!(op, Op::ReturnValue | Op::ReturnConst)
}

/// While an inlined comprehension (3.12 and newer) borrows the slot of a variable that was a
/// cell before, the compiler leaves these under the outer handler. None can raise.
fn puts_back(op: Op, state: &State) -> bool {
    let saved = || state.stack.iter().any(|kind| matches!(kind, Kind::Saved(_)));
    matches!(op, Op::Swap | Op::PopTop | Op::StoreFast) && saved()
}
