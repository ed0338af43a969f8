//! Sequences of instructions, found and replaced by others, in words that mean the same on every version:
//! `load`, `store`, `const`, `global`, `attr`, `method`, `subscr`, `binop`, `inplace`, `compare`, `unary`,
//! `call`, `swap`, `dup`, `pop`. Any other word is the name of an instruction of the version, in lower case.
//!
//! [`words`] reads instructions as words, [`matching`] finds a pattern, [`emit`] writes a replacement,
//! [`calls`] puts the NULLs where the version's calls expect them.

mod calls;
mod emit;
mod matching;
mod words;

use std::collections::HashMap;

use super::error::EditError;
use super::place::Place;
use super::target::Target;
use crate::{Constant, Incoming, Instruction, Label, Text};
use matching::Span;

/// One instruction of a pattern or of a replacement.
#[derive(Clone, Debug, PartialEq)]
pub struct RawInstruction {
    /// The word; `*` matches any instruction, `label` marks a place of a replacement.
    pub word: String,
    /// Its operand.
    pub operand: RawOperand,
}

/// What an operand is, or has to be.
#[derive(Clone, Debug, PartialEq)]
pub enum RawOperand {
    /// There is none.
    None,
    /// Any.
    Any,
    /// Any, known by this name from then on, and the same wherever the name stands.
    Capture(String),
    /// A name: of a variable, a global, an attribute.
    Name(Text),
    /// A constant.
    Value(Constant),
    /// An operator.
    Operator(String),
    /// A number as the instruction has it.
    Number(u32),
    /// A place in the replacement.
    Label(String),
}

/// The operand that an instruction has.
#[derive(Clone, Debug, PartialEq)]
enum Found {
    None,
    Name(Text),
    Value(Constant),
    Operator(&'static str),
    Number(u32),
    Label(Label),
}

type Captures = HashMap<String, Found>;

/// Replaces the occurrences of a pattern that are meant.
pub(super) fn replace(
    target: &mut Target,
    pattern: &[RawInstruction],
    replacement: &[RawInstruction],
    place: &Place,
) -> Result<(), EditError> {
    if pattern.is_empty() {
        return Err(EditError::Impossible("an empty sequence is everywhere"));
    }
    let spans = matching::find(target, pattern);
    let is_start = |index: usize| spans.iter().any(|span| span.start == index);
    let chosen = place.choose(target, "such a sequence", |index, _| is_start(index))?;
    let mut chosen: Vec<usize> = chosen.into_iter().flatten().collect();
    chosen.sort_unstable_by(|a, b| b.cmp(a));
    for start in chosen {
        if let Some(span) = spans.iter().find(|span| span.start == start) {
            put(target, span, replacement)?;
        }
    }
    Ok(())
}

fn put(target: &mut Target, span: &Span, replacement: &[RawInstruction]) -> Result<(), EditError> {
    let range = calls::widened(target, span);
    target.note(range.start);
    let first = target.body.instructions[range.start];
    let same = |index: usize| target.body.instructions[index].handler == first.handler;
    if !range.clone().all(same) {
        return Err(EditError::Impossible("the sequence begins or ends within a `try`"));
    }
    let (new, labels) = emit::emit(target, span, &range, replacement)?;
    let new: Vec<Instruction> = new
        .into_iter()
        .map(|instruction| Instruction { handler: first.handler, ..instruction.at(first.location) })
        .collect();
    target.body.insert(range.start, &new, Incoming::Redirect);
    target.body.remove(range.start + new.len()..range.end + new.len());
    for (label, position) in labels {
        target.body.labels[label.0 as usize] = (range.start + position) as u32;
    }
    if let Some(before) = range.start.checked_sub(1) {
        target.body.instructions[before].fused = false;
    }
    target.restructured = true;
    Ok(())
}
