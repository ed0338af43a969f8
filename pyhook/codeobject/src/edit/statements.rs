//! Statements: inserted, removed, replaced.

use std::ops::Range;

use super::error::EditError;
use super::place::runs;
use super::splice::{Spot, prologue_end, splice};
use super::statement::Statement;
use super::target::{Target, Variable};
use crate::tables::Op;
use crate::{Incoming, Instruction, Text, depths};

/// Where a statement is inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsertAt {
    /// Before the first statement of the function.
    Entry,
    /// Before the statement that starts on this line of the file, whenever it runs.
    Line(i32),
    /// After the simple statement that starts on this line of the file, whenever it is done.
    AfterLine(i32),
    /// Before every return; the value returned is in the variable of that name, if given,
    /// and may be assigned.
    Return(Option<Text>),
}

pub(super) fn insert(target: &mut Target, at: &InsertAt, statement: &Statement) -> Result<(), EditError> {
    match at {
        InsertAt::Entry => {
            let index = prologue_end(&target.body);
            insert_at(target, statement, index, Incoming::Keep).map(|_| ())
        }
        InsertAt::Line(line) => {
            for index in starts(target, *line)?.into_iter().rev() {
                insert_at(target, statement, index, Incoming::Redirect)?;
            }
            Ok(())
        }
        InsertAt::AfterLine(line) => insert_after(target, *line, statement),
        InsertAt::Return(value) => insert_at_returns(target, value.as_ref(), statement),
    }
}

fn insert_after(target: &mut Target, line: i32, statement: &Statement) -> Result<(), EditError> {
    for start in starts(target, line)?.into_iter().rev() {
        let range = extent(target, start, line)?;
        check_simple(target, &range)?;
        // Jumps to what follows come from elsewhere; those of the statement itself end up here.
        let done = target.body.new_label(range.end);
        for index in range.clone() {
            if target.body.target_of(index) == Some(range.end) {
                target.body.instructions[index].target = Some(done);
            }
        }
        let depth = depth_at(target, range.end)?;
        splice(target, statement, &Spot { index: range.end, like: start, depth, incoming: Incoming::Keep })?;
        target.body.labels[done.0 as usize] = range.end as u32;
    }
    Ok(())
}

fn insert_at(
    target: &mut Target,
    statement: &Statement,
    index: usize,
    incoming: Incoming,
) -> Result<usize, EditError> {
    let depth = depth_at(target, index)?;
    splice(target, statement, &Spot { index, like: index, depth, incoming })
}

fn depth_at(target: &Target, index: usize) -> Result<u32, EditError> {
    let (known, _) =
        depths(&target.body, target.code.is_generator_like()).map_err(crate::EncodeError::from)?;
    known[index].ok_or(EditError::Impossible("the code there is never reached"))
}

fn insert_at_returns(
    target: &mut Target,
    value: Option<&Text>,
    statement: &Statement,
) -> Result<(), EditError> {
    let is_return = |i: &Instruction| matches!(i.op, Op::ReturnValue | Op::ReturnConst);
    let returns = target.body.instructions.iter().enumerate().filter(|(_, i)| is_return(i));
    let returns: Vec<usize> = returns.map(|(index, _)| index).collect();
    let (known, _) =
        depths(&target.body, target.code.is_generator_like()).map_err(crate::EncodeError::from)?;
    if let Some(name) = value.filter(|name| target.variable(name).is_err()) {
        target.insert_local(target.code.varnames.len(), name)?;
    }
    for index in returns.into_iter().rev().filter(|index| known[*index].is_some()) {
        let Some(name) = value else {
            insert_at(target, statement, index, Incoming::Redirect)?;
            continue;
        };
        let (store, load) = match target.variable(name)? {
            Variable::Fast(slot) => ((Op::StoreFast, slot), (Op::LoadFast, slot)),
            Variable::Cell(slot) => ((Op::StoreDeref, slot), (Op::LoadDeref, slot)),
        };
        let first = match target.body.instructions[index] {
            Instruction { op: Op::ReturnConst, arg, .. } => vec![(Op::LoadConst, arg)],
            _ => Vec::new(),
        };
        let stored = index + first.len() + 1;
        let all = [&first[..], &[store, load, (Op::ReturnValue, 0)]].concat();
        target.replace(index, &all);
        insert_at(target, statement, stored, Incoming::Redirect)?;
    }
    Ok(())
}

pub(super) fn remove(target: &mut Target, line: i32) -> Result<(), EditError> {
    for index in starts(target, line)?.into_iter().rev() {
        remove_at(target, index, line)?;
    }
    Ok(())
}

pub(super) fn replace(target: &mut Target, line: i32, statement: &Statement) -> Result<(), EditError> {
    for index in starts(target, line)?.into_iter().rev() {
        remove_at(target, index, line)?;
        insert_at(target, statement, index, Incoming::Redirect)?;
    }
    Ok(())
}

/// Removes the statement that starts at `index`; a no-operation keeps its line.
fn remove_at(target: &mut Target, index: usize, line: i32) -> Result<(), EditError> {
    let range = extent(target, index, line)?;
    check_simple(target, &range)?;
    target.note(index);
    let first = target.body.instructions[index];
    target.body.instructions[index] =
        Instruction { op: Op::Nop, arg: 0, target: None, prefixes: 0, fused: false, ..first };
    if let Some(before) = index.checked_sub(1) {
        target.body.instructions[before].fused = false;
    }
    target.body.instructions[range.end - 1].fused = false;
    target.restructured = true;
    target.body.remove(index + 1..range.end);
    Ok(())
}

/// The instructions of the statement: until the stack is as before and the line is left.
fn extent(target: &Target, start: usize, line: i32) -> Result<Range<usize>, EditError> {
    let (known, _) =
        depths(&target.body, target.code.is_generator_like()).map_err(crate::EncodeError::from)?;
    let depth = known[start];
    let instructions = &target.body.instructions;
    let ends = |index: usize| {
        let left = instructions[index].location.line() != Some(line);
        known[index] == depth && (left || !goes_on(target, index))
    };
    let end = (start + 1..instructions.len()).find(|index| ends(*index));
    end.map(|end| start..end).ok_or(EditError::Impossible("the statement's end cannot be found"))
}

/// Only statements without control flow of their own can be removed.
fn check_simple(target: &Target, range: &Range<usize>) -> Result<(), EditError> {
    let body = &target.body;
    let inside = |index: usize| range.contains(&index) || index == range.end;
    let first = body.instructions[range.start].handler;
    for index in range.clone() {
        let op = target.op(index);
        let forbidden = matches!(
            op,
            Op::ForIter
                | Op::BeforeWith
                | Op::BeforeAsyncWith
                | Op::LoadSpecial
                | Op::PushExcInfo
                | Op::YieldValue
                | Op::YieldFrom
                | Op::Send
                | Op::PopBlock
        );
        let returns = op.ends_flow() && body.target_of(index).is_none();
        if forbidden || returns || op.sets_up_block() || body.instructions[index].handler != first {
            return Err(EditError::Impossible("only a simple statement can be removed"));
        }
        if body.target_of(index).is_some_and(|to| !inside(to)) {
            return Err(EditError::Impossible("the statement jumps elsewhere"));
        }
    }
    let mut others = (0..body.instructions.len()).filter(|index| !range.contains(index));
    let entered = |index: usize| body.target_of(index).is_some_and(|to| to > range.start && to < range.end);
    if others.any(entered) {
        return Err(EditError::Impossible("another statement jumps into this one"));
    }
    Ok(())
}

/// First instructions of the statement on a line: one, or one for each copy the compiler
/// made. Copies may run with a value pending, as before a `return` in `try`.
fn starts(target: &Target, line: i32) -> Result<Vec<usize>, EditError> {
    let instructions = &target.body.instructions;
    let prologue = prologue_end(&target.body);
    let runs = runs(target);
    let reached = depths(&target.body, target.code.is_generator_like()).map_err(crate::EncodeError::from)?.0;
    let run_starts = (prologue..instructions.len()).filter(|index| {
        let on_line = instructions[*index].location.line() == Some(line);
        let first = *index == prologue || runs[*index] != runs[index - 1];
        on_line && first && reached[*index].is_some() && begins(target, *index)
    });
    let run_starts: Vec<usize> = run_starts.collect();
    let mut candidates = run_starts.iter();
    let model = candidates.find(|index| starts_statement(target, **index, prologue));
    let model = model.ok_or(EditError::Impossible("no statement starts on that line"))?;
    let what = |index: usize| {
        let instruction = &instructions[index];
        (instruction.op.plain_load(), instruction.arg, instruction.location)
    };
    Ok(run_starts.iter().copied().filter(|index| what(*index) == what(*model)).collect())
}

/// Whether the instruction begins something, rather than end or continue what was there.
fn begins(target: &Target, index: usize) -> bool {
    let instruction = target.body.instructions[index];
    let never = matches!(
        instruction.op,
        Op::EndFor
            | Op::PopIter
            | Op::EndSend
            | Op::PushExcInfo
            | Op::Reraise
            | Op::PopExcept
            | Op::PopBlock
            | Op::Resume
            | Op::ForIter
            | Op::EndAsyncFor
    );
    let signature = target.table.info(instruction.op).map(|info| info.signature());
    let pops = signature.map_or(0, |signature| signature.counts(instruction.arg).0);
    let jumps = instruction.target.is_some() && !instruction.op.sets_up_block();
    !never && !jumps && pops == 0 && !moves_values(instruction.op)
}

fn moves_values(op: Op) -> bool {
    matches!(op, Op::Swap | Op::Copy | Op::RotTwo | Op::RotThree | Op::RotFour | Op::RotN | Op::DupTop)
}

/// Whether the line goes on with another statement, not with the compiler's own return.
fn goes_on(target: &Target, index: usize) -> bool {
    let returns = target.op(index).ends_flow() || target.next_op(index) == Some(Op::ReturnValue);
    !returns && begins(target, index)
}

/// Whether a statement can start at `index`: nothing is taken from the stack, and what runs
/// before has finished its statement.
fn starts_statement(target: &Target, index: usize, prologue: usize) -> bool {
    if !begins(target, index) {
        return false;
    }
    let Some(before) = index.checked_sub(1).filter(|_| index > prologue) else { return true };
    let before = &target.body.instructions[before];
    let signature = target.table.info(before.op).map(|info| info.signature());
    let pushes = signature.map_or(0, |signature| signature.counts(before.arg).1);
    let finished = before.op.ends_flow() || before.op.sets_up_block() || before.op == Op::BeforeWith;
    pushes == 0 && !moves_values(before.op) || finished
}
