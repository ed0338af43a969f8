//! What one instruction does to what is known, by its signature. What a signature cannot
//! say stands in [`super::beyond`].

use super::blocks::{check_handled, cut_to_block, reaches_below_block, uses_blocks};
use super::kind::Kind;
use super::moves::moved;
use super::state::{Block, State, mismatch};
use super::{Defect, functions, variables};
use crate::CodeObject;
use crate::body::Body;
use crate::tables::{Item, Jump, Op, OpInfo, Operand, Signature, Table, Want};

/// Where control goes besides the next instruction.
pub(super) enum Outcome {
    /// Nowhere else.
    Next,
    /// Nowhere at all.
    End,
    /// To a target, and to the next instruction if it falls through.
    Jump { target: usize, falls_through: bool },
}

pub(super) struct Transfer<'a> {
    pub(super) code: &'a CodeObject,
    body: &'a Body,
    pub(super) table: &'a Table,
    pub(super) blocks: bool,
    /// Cell of the compiler's own variable for type parameters (PEP 695), always a tuple.
    type_params: Option<u32>,
}

impl<'a> Transfer<'a> {
    pub fn new(code: &'a CodeObject, body: &'a Body, table: &'a Table) -> Self {
        let blocks = uses_blocks(body);
        let mut slots = code.slot_names().into_iter();
        let type_params = slots.position(|name| *name == ".type_params");
        let type_params = type_params.map(|slot| slot as u32);
        Self { code, body, table, blocks, type_params }
    }

    /// Applies the instruction at `index` to the state before it. The state on the way to a
    /// jump target goes to `jumping`.
    pub fn step(&self, index: usize, state: &mut State, jumping: &mut State) -> Result<Outcome, Defect> {
        let instruction = &self.body.instructions[index];
        let (op, arg) = (instruction.op, instruction.arg);
        let info = self.table.info(op).ok_or(Defect::Operand(arg))?;
        if self.blocks {
            check_handled(op, state)?;
        }
        let type_params = info.operand == Operand::Slot && self.type_params == Some(arg);
        if type_params && op == Op::StoreDeref && !state.peek(1)?.satisfies(Want::Tuple, false) {
            return Err(mismatch(Want::Tuple, state.peek(1)?));
        }
        if let Some(done) = variables::step(op, arg, state, self.table.rules) {
            done?;
            let loads = matches!(op, Op::LoadDeref | Op::LoadFromDictOrDeref);
            if let (true, Some(top)) = (type_params && loads, state.stack.last_mut()) {
                *top = Kind::Tuple;
            }
            return state.above_floor().map(|()| Outcome::Next);
        }
        if op.sets_up_block() {
            return self.set_up(index, info, state, jumping);
        }
        if moved(op, arg, state)? {
            return Ok(Outcome::Next);
        }
        self.by_signature(index, info, state, jumping)
    }

    fn by_signature(
        &self,
        index: usize,
        info: &OpInfo,
        state: &mut State,
        jumping: &mut State,
    ) -> Result<Outcome, Defect> {
        let arg = self.body.instructions[index].arg;
        let own = self.table.intrinsic(info.operand, arg);
        let signature = own.unwrap_or(info.signature());
        functions::admit_comprehension(info.op, arg, state);
        self.before(info.op, arg, state)?;
        let result = self.result(info.op, arg, state)?;
        let refine = refined(info.op, state);
        self.take_all(info.op, &signature.inputs, arg, state)?;
        self.check_peek(signature, arg, state)?;
        if !reaches_below_block(info.op) {
            state.above_floor()?;
        }
        let target = self.body.target_of(index).filter(|_| info.jump != Jump::Marker);
        if target.is_some() {
            jumping.become_copy_of(state);
            let outputs = signature.jump_outputs.as_ref().unwrap_or(&signature.outputs);
            push_all(outputs, arg, jumping);
            if refine == Some(Op::PopJumpIfNotNone) {
                not_none(jumping);
            }
        }
        push_all(&signature.outputs, arg, state);
        if refine == Some(Op::PopJumpIfNone) {
            not_none(state);
        }
        if let (Some(kind), Some(top)) = (result, state.stack.last_mut()) {
            *top = kind;
        }
        self.after(info.op, state)?;
        let falls_through = !info.op.ends_flow();
        Ok(match target {
            Some(target) => Outcome::Jump { target, falls_through },
            None if falls_through => Outcome::Next,
            None => Outcome::End,
        })
    }

    fn take_all(&self, op: Op, items: &[Item], arg: u32, state: &mut State) -> Result<(), Defect> {
        for item in items.iter().rev() {
            let count = item.count(arg);
            if count as usize > state.stack.len() {
                return Err(Defect::Underflow);
            }
            for _ in 0..count {
                // The saved offset of a handler and the index of a two-slot iterator are numbers
                // the interpreter made; they are dropped like objects.
                let number =
                    matches!(state.stack.last(), Some(Kind::Lasti | Kind::IteratorIndex | Kind::IndexOrNull));
                let dropped = op == Op::PopTop && number;
                if dropped {
                    state.stack.pop();
                } else {
                    state.take(item.want, self.table.rules)?;
                }
            }
        }
        Ok(())
    }

    fn check_peek(&self, signature: &Signature, arg: u32, state: &State) -> Result<(), Defect> {
        let Some((want, below)) = signature.peek.filter(|_| arg > 0) else {
            return Ok(());
        };
        let found = state.peek(arg)?;
        if !found.satisfies(want, self.table.rules.exact_bools) {
            return Err(mismatch(want, found));
        }
        if below > 0 && !state.peek(arg.saturating_add(below))?.is_object() {
            return Err(mismatch(Want::Object, found));
        }
        Ok(())
    }

    fn set_up(
        &self,
        index: usize,
        info: &OpInfo,
        state: &mut State,
        jumping: &mut State,
    ) -> Result<Outcome, Defect> {
        let signature = info.signature();
        self.take_all(info.op, &signature.inputs, 0, state)?;
        push_all(&signature.outputs, 0, state);
        // The result of `__enter__` is pushed above the level.
        let result = usize::from(info.op != Op::SetupFinally);
        let level = state.stack.len() - result;
        if level < state.floor() {
            return Err(Defect::Underflow);
        }
        jumping.become_copy_of(state);
        cut_to_block(jumping, level)?;
        state.push_block(Block::Setup(level))?;
        let target = self.body.target_of(index).ok_or(Defect::FallsOff)?;
        Ok(Outcome::Jump { target, falls_through: true })
    }
}

fn push_all(items: &[Item], arg: u32, state: &mut State) {
    for item in items {
        for _ in 0..item.count(arg) {
            state.stack.push(Kind::of(item.want));
        }
    }
}

/// A test for `None` of the copy of a value that may be an exception.
fn refined(op: Op, state: &State) -> Option<Op> {
    let tested = match op {
        Op::PopJumpIfNone | Op::PopJumpForwardIfNone | Op::PopJumpBackwardIfNone => Op::PopJumpIfNone,
        Op::PopJumpIfNotNone | Op::PopJumpForwardIfNotNone | Op::PopJumpBackwardIfNotNone => {
            Op::PopJumpIfNotNone
        }
        _ => return None,
    };
    let maybe = |depth| state.peek(depth) == Ok(Kind::MaybeException);
    (maybe(1) && maybe(2)).then_some(tested)
}

fn not_none(state: &mut State) {
    if let Some(top) = state.stack.last_mut() {
        *top = Kind::Exception;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intrinsics_have_signatures_of_their_own() {
        let table = crate::tables::table(crate::Version::Py312);
        let signature = table.intrinsic(Operand::Intrinsic1, 6);
        assert_eq!(signature.map(|s| s.inputs[0].want), Some(Want::List));
        assert_eq!(table.intrinsic(Operand::Intrinsic1, 0), None);
    }
}
