//! Instructions that only work next to, or as the target of, certain others.

use super::{Defect, VerifyError};
use crate::body::{Body, Instruction};
use crate::tables::{Op, Table, table};
use crate::{CodeObject, Constant, flags};

struct Glue<'a> {
    code: &'a CodeObject,
    body: &'a Body,
    table: &'a Table,
    targeted: &'a [bool],
}

/// Checks pairs of instructions.
pub(super) fn check(code: &CodeObject, body: &Body, targeted: &[bool]) -> Result<(), VerifyError> {
    let glue = Glue { code, body, table: table(body.version), targeted };
    for index in 0..body.instructions.len() {
        if let Some(broken) = glue.broken(index) {
            return Err(VerifyError::at(body, index, Defect::Glue(broken)));
        }
    }
    Ok(())
}

impl Glue<'_> {
    fn broken(&self, index: usize) -> Option<&'static str> {
        match self.body.instructions[index].op {
            Op::ForIter if self.table.has(Op::EndFor) => self.for_iter(index),
            Op::Send if self.table.has(Op::EndSend) => {
                let fits = self.target_op(index) == Some(Op::EndSend);
                (!fits).then_some("SEND must jump to END_SEND")
            }
            Op::EndAsyncFor if self.body.instructions[index].target.is_some() => {
                (!self.ends_send(index)).then_some("END_ASYNC_FOR must name its END_SEND")
            }
            Op::Precall | Op::KwNames => self.call(index),
            Op::YieldValue if self.table.has(Op::Resume) => self.yields(index),
            Op::LoadClassderef if self.code.flags & flags::OPTIMIZED != 0 => {
                Some("only a class body has the namespace it looks into")
            }
            _ => None,
        }
    }

    fn target_op(&self, index: usize) -> Option<Op> {
        let target = self.body.target_of(index)?;
        Some(self.body.instructions[target].op)
    }

    /// `END_ASYNC_FOR` names its `END_SEND`, for monitoring only; within an exception handler
    /// the compiler leaves a `CLEANUP_THROW` before that, and names it instead.
    fn ends_send(&self, index: usize) -> bool {
        let Some(target) = self.body.target_of(index) else { return false };
        let mut ops = self.body.instructions[target..].iter().map(|instruction| instruction.op);
        match ops.next() {
            Some(Op::CleanupThrow) => ops.next() == Some(Op::EndSend),
            first => first == Some(Op::EndSend),
        }
    }

    fn next(&self, index: usize) -> Option<&Instruction> {
        let next = self.body.instructions.get(index + 1)?;
        (!self.targeted[index + 1]).then_some(next)
    }

    /// An exhausted loop skips `END_FOR`, and with it what must follow.
    fn for_iter(&self, index: usize) -> Option<&'static str> {
        let target = self.body.target_of(index)?;
        if self.body.instructions[target].op != Op::EndFor {
            return Some("FOR_ITER must jump to END_FOR");
        }
        let after = self.table.rules.after_end_for;
        let fits = after.is_none() || self.body.instructions.get(target + 1).map(|next| next.op) == after;
        (!fits).then_some("END_FOR must be followed by what pops the iterator")
    }

    /// Keyword names, `PRECALL` and `CALL` are one call.
    fn call(&self, index: usize) -> Option<&'static str> {
        let instruction = &self.body.instructions[index];
        let Some(next) = self.next(index) else {
            return Some("a call must follow");
        };
        let fits = match instruction.op {
            Op::Precall => next.op == Op::Call && next.arg == instruction.arg,
            _ => {
                let first = if self.table.has(Op::Precall) { Op::Precall } else { Op::Call };
                let names = self.code.consts.get(instruction.arg as usize);
                let count = match names {
                    Some(Constant::Tuple(names)) => names.len(),
                    _ => usize::MAX,
                };
                next.op == first && count <= next.arg as usize
            }
        };
        (!fits).then_some("the call that follows does not fit")
    }

    /// `RESUME` after a yield says whether another iterator is awaited.
    fn yields(&self, index: usize) -> Option<&'static str> {
        let Some(next) = self.next(index).filter(|next| next.op == Op::Resume) else {
            return Some("YIELD_VALUE must be followed by RESUME");
        };
        let awaits = next.arg & 3 >= 2;
        let told = self.body.instructions[index].arg == 1;
        let fits = !self.table.rules.yields_tell_await || awaits == told;
        (next.arg & 3 == 0 || !fits).then_some("RESUME does not fit the YIELD_VALUE before it")
    }
}
