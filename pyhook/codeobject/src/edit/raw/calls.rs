//! The NULL that stands beside a callable (3.11 and newer): before it up to 3.12, behind it from 3.13 on, or
//! pushed by the instruction that loads the callable itself. The vocabulary does not name it.

use std::ops::Range;

use super::matching::Span;
use super::words::portable;
use crate::edit::target::Target;
use crate::tables::{Op, Want};

/// Whether `PUSH_NULL` comes before the callable; `None` if the version has no such instruction.
pub(super) fn null_comes_first(target: &Target) -> Option<bool> {
    let outputs = &target.table.info(Op::LoadGlobal)?.signature().outputs;
    target.table.has(Op::PushNull).then_some(())?;
    Some(outputs.first().is_some_and(|item| item.want == Want::Null))
}

/// The instructions of a match, with a `PUSH_NULL` before them whose call is among them, and a conversion for
/// the first of them.
pub(super) fn widened(target: &Target, span: &Span) -> Range<usize> {
    let mut range = span.range();
    // `TO_BOOL` goes with the `not` behind it.
    let converts = |at: usize| target.op(at) == Op::ToBool;
    if target.op(range.start) == Op::UnaryNot && range.start.checked_sub(1).is_some_and(converts) {
        range.start -= 1;
    }
    let before = range.start.checked_sub(1).filter(|before| target.op(*before) == Op::PushNull);
    match before {
        Some(before) if balance(target, &range) < 0 && null_comes_first(target) == Some(true) => {
            before..range.end
        }
        _ => range,
    }
}

/// How many callables with their NULL (or bound object) some instructions leave for calls behind them;
/// negative if calls take such from before.
pub(super) fn balance(target: &Target, range: &Range<usize>) -> i32 {
    range.clone().map(|index| pushes(target, index) - takes(target, index)).sum()
}

fn pushes(target: &Target, index: usize) -> i32 {
    let instruction = &target.body.instructions[index];
    let flag = target.name_operand(instruction).is_some_and(|(_, flags, _)| flags & 1 == 1);
    let pairs = match instruction.op {
        Op::PushNull | Op::LoadMethod => true,
        Op::LoadGlobal | Op::LoadAttr => flag,
        _ => false,
    };
    i32::from(pairs)
}

fn takes(target: &Target, index: usize) -> i32 {
    let takes = match target.op(index) {
        Op::CallMethod | Op::Call | Op::CallKw => true,
        Op::CallFunctionEx => null_comes_first(target).is_some(),
        _ => false,
    };
    i32::from(takes)
}

/// The call that a match holds first: one without a callable of its own is made like it.
pub(super) fn call_of(target: &Target, range: &Range<usize>) -> Option<Op> {
    let mut calls = range.clone().filter(|index| matches!(portable(target, *index), Some(("call", _))));
    calls.next().map(|index| target.op(index))
}
