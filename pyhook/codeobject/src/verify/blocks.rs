//! Blocks: how 3.10 and older find exception handlers.

use super::Defect;
use super::kind::Kind;
use super::state::{Block, State};
use crate::body::Body;
use crate::tables::{Handlers, Op, table};

/// Whether exceptions are caught by blocks.
pub(super) fn uses_blocks(body: &Body) -> bool {
    table(body.version).rules.handlers == Handlers::Blocks
}

/// Makes of a state the one in which a block's handler starts (3.10 and older).
pub(super) fn cut_to_block(caught: &mut State, level: usize) -> Result<(), Defect> {
    use Kind::{Exception, ExceptionTraceback, ExceptionValue};
    caught.stack.truncate(level);
    caught.stack.extend(Kind::PREVIOUS);
    caught.stack.extend([ExceptionTraceback, ExceptionValue, Exception]);
    caught.push_block(Block::Handling(level))
}

/// Instructions that take values of the innermost block with the block itself, or only
/// look below it.
pub(super) fn reaches_below_block(op: Op) -> bool {
    matches!(op, Op::PopExcept | Op::EndAsyncFor | Op::WithExceptStart | Op::PopBlock | Op::GetAnext)
}

/// Takes out the block in which an exception is handled, so many values above its level.
pub(super) fn pop_handling(state: &mut State, above: usize) -> Result<(), Defect> {
    match state.blocks.pop() {
        Some(Block::Handling(level)) if state.stack.len() == level + above => Ok(()),
        _ => Err(Defect::Block("END_ASYNC_FOR outside a handler")),
    }
}

/// While an exception is handled its predecessor must be where unwinding finds it.
pub(super) fn check_handled(op: Op, state: &State) -> Result<(), Defect> {
    let Some(Block::Handling(level)) = state.blocks.last() else {
        return Ok(());
    };
    let still = matches!(op, Op::RotTwo | Op::RotThree | Op::RotFour | Op::RotN | Op::PopExcept | Op::Nop);
    let saved = state.stack.get(*level..level + 3);
    let fits = saved.is_some_and(|saved| *saved == Kind::PREVIOUS);
    if still || fits {
        return Ok(());
    }
    Err(Defect::Block("the saved exception is out of place"))
}
