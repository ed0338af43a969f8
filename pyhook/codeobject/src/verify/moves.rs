//! Instructions that only move or copy values of the stack.

use super::Defect;
use super::state::{Block, State, mismatch};
use crate::tables::{Op, Want};

/// Instructions that only move values; whether it was one.
pub(super) fn moved(op: Op, arg: u32, state: &mut State) -> Result<bool, Defect> {
    let rotated = match op {
        Op::RotTwo => 2,
        Op::RotThree => 3,
        Op::RotFour => 4,
        Op::RotN => arg,
        Op::Swap => {
            let depth = state.stack.len();
            let other = depth.checked_sub(arg as usize).ok_or(Defect::Underflow)?;
            state.stack.swap(other, depth - 1);
            return Ok(true);
        }
        Op::Copy | Op::DupTop | Op::DupTopTwo => {
            let (from, count) = match op {
                Op::Copy => (arg, 1),
                Op::DupTop => (1, 1),
                _ => (2, 2),
            };
            for _ in 0..count {
                let kind = state.peek(from)?;
                if !kind.is_copyable() {
                    return Err(mismatch(Want::Object, kind));
                }
                state.stack.push(kind);
            }
            return Ok(true);
        }
        _ => return Ok(false),
    };
    let depth = state.stack.len();
    let from = depth.checked_sub(rotated as usize).ok_or(Defect::Underflow)?;
    // What lies below a block's level must stay there: an exception cuts the stack to it.
    if matches!(state.blocks.last(), Some(Block::Setup(level)) if from < *level) {
        return Err(Defect::Underflow);
    }
    state.stack[from..].rotate_right(1);
    Ok(true)
}
