//! What an instruction demands and leaves beyond its signature: values that must fit each
//! other, results that depend on them, blocks that begin and end.

use super::blocks::pop_handling;
use super::kind::{Kind, slot};
use super::state::{Block, State, mismatch};
use super::transfer::Transfer;
use super::{Defect, functions};
use crate::Constant;
use crate::tables::{Op, Want};

impl Transfer<'_> {
    /// Checks that look at several values at once.
    pub(super) fn before(&self, op: Op, arg: u32, state: &State) -> Result<(), Defect> {
        match op {
            Op::CallKw | Op::CallFunctionKw => match state.peek(1)? {
                Kind::Names(count) if count > arg => Err(Defect::Operand(arg)),
                _ => Ok(()),
            },
            Op::MakeFunction if self.table.rules.function_attributes == 0 => {
                functions::check_closure(self.code, self.table, arg, state)
            }
            Op::YieldValue | Op::YieldFrom | Op::ReturnGenerator if !self.code.is_generator_like() => {
                Err(Defect::Prologue("yields without a generator flag"))
            }
            Op::Resume if arg & 3 >= 2 && !awaited(state.peek(2)?) => {
                Err(mismatch(Want::Object, state.peek(2)?))
            }
            Op::ForIter if self.table.rules.two_slot_iterators => match (state.peek(2)?, state.peek(1)?) {
                (Kind::VirtualIterator, Kind::IteratorIndex) | (Kind::Iterator, Kind::Null) => Ok(()),
                (found, _) => Err(mismatch(Want::Iterator, found)),
            },
            Op::EndAsyncFor if self.blocks => pop_handling(&mut state.clone(), 6),
            _ => Ok(()),
        }
    }

    /// The kind of the value left on top, where it depends on more than the signature.
    pub(super) fn result(&self, op: Op, arg: u32, state: &State) -> Result<Option<Kind>, Defect> {
        Ok(match op {
            Op::LoadConst => Some(constant_kind(&self.code.consts[arg as usize], arg)),
            Op::LoadCommonConstant => match self.table.common_constants()[arg as usize] {
                "True" | "False" => Some(Kind::Bool),
                _ => None,
            },
            Op::LoadSmallInt => Some(Kind::Int),
            Op::CompareOp if (state.peek(1)?, state.peek(2)?) == (Kind::Int, Kind::Int) => Some(Kind::Bool),
            Op::CompareOp if arg & self.table.rules.compare.to_bool != 0 => Some(Kind::Bool),
            Op::BuildTuple if arg > 0 => {
                let count = arg as usize;
                let items = state.stack.len().checked_sub(count).ok_or(Defect::Underflow)?;
                let cells = state.stack[items..].iter().all(|kind| *kind == Kind::Cell);
                cells.then_some(Kind::Cells(arg))
            }
            Op::MakeFunction => Some(functions::made(self.code, self.table, state)?),
            Op::Call => {
                let callee = state.peek(arg.saturating_add(2))?;
                matches!(callee, Kind::Function(callee) if callee.generator).then_some(Kind::Iterator)
            }
            Op::SetFunctionAttribute => Some(functions::attribute_set(arg, state)?),
            _ => None,
        })
    }

    /// What changes besides the values on the stack.
    pub(super) fn after(&self, op: Op, state: &mut State) -> Result<(), Defect> {
        match op {
            Op::ReturnValue | Op::ReturnConst => {
                let left = state.stack.len() + state.blocks.len();
                if left > 0 {
                    return Err(Defect::LeftOver(left));
                }
            }
            Op::CopyFreeVars => {
                let first = state.slots.len() - self.code.freevars.len();
                for free in first..state.slots.len() {
                    state.set_slot(free as u32, slot::CELL);
                }
            }
            Op::PopBlock => match state.blocks.pop() {
                Some(Block::Setup(level)) if state.stack.len() >= level => {}
                _ => return Err(Defect::Block("POP_BLOCK without a block")),
            },
            Op::PopExcept if self.blocks => match state.blocks.pop() {
                // The value of a `return` may lie below the saved exception.
                Some(Block::Handling(level)) if (level..=level + 1).contains(&state.stack.len()) => {}
                _ => return Err(Defect::Block("POP_EXCEPT outside a handler")),
            },
            Op::EndAsyncFor if self.blocks => {
                state.blocks.pop();
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether the value below a sent one can be the iterator that is awaited, or its index.
fn awaited(kind: Kind) -> bool {
    kind.is_object() || kind.satisfies(Want::IndexOrNull, false)
}

fn constant_kind(constant: &Constant, index: u32) -> Kind {
    match constant {
        Constant::Bool(_) => Kind::Bool,
        Constant::Str(_) => Kind::Str,
        Constant::Int(_) => Kind::Int,
        Constant::Code(_) => Kind::Code(index),
        Constant::Tuple(items) if constant.is_tuple_of_str() => Kind::Names(items.len() as u32),
        Constant::Tuple(_) => Kind::Tuple,
        _ => Kind::Object,
    }
}
