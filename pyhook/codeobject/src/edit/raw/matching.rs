//! Finds where a pattern fits. Nothing but the first instruction of a match may be a jump's target.

use std::ops::Range;

use super::words::{bare, is_invisible, portable};
use super::{Captures, Found, RawInstruction, RawOperand};
use crate::edit::target::Target;

/// An occurrence of a pattern.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub start: usize,
    /// Index after the last instruction.
    pub end: usize,
    pub captures: Captures,
}

impl Span {
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// All occurrences in code order, none overlapping another.
pub(super) fn find(target: &Target, pattern: &[RawInstruction]) -> Vec<Span> {
    let targeted = target.body.targeted();
    let mut spans: Vec<Span> = Vec::new();
    let mut index = 0;
    while index < target.body.instructions.len() {
        let skipped = pattern.first().is_some_and(|first| is_skipped(target, index, first));
        let span = (!skipped).then(|| at(target, pattern, index, &targeted)).flatten();
        index = span.as_ref().map_or(index + 1, |span| span.end);
        spans.extend(span);
    }
    spans
}

fn at(target: &Target, pattern: &[RawInstruction], start: usize, targeted: &[bool]) -> Option<Span> {
    let mut span = Span { start, end: start, captures: Captures::new() };
    for (number, wanted) in pattern.iter().enumerate() {
        if number > 0 {
            while span.end < targeted.len() && is_skipped(target, span.end, wanted) && !targeted[span.end] {
                span.end += 1;
            }
            if *targeted.get(span.end)? {
                return None;
            }
        }
        target.body.instructions.get(span.end)?;
        if !fits(target, wanted, span.end, &mut span.captures) {
            return None;
        }
        span.end += 1;
    }
    Some(span)
}

/// Whether an instruction is passed over, unless it is named itself.
fn is_skipped(target: &Target, index: usize, wanted: &RawInstruction) -> bool {
    let op = target.op(index);
    is_invisible(op) && !op.name().eq_ignore_ascii_case(&wanted.word)
}

fn fits(target: &Target, wanted: &RawInstruction, index: usize, captures: &mut Captures) -> bool {
    if wanted.word == "*" {
        return true;
    }
    let found = match portable(target, index) {
        Some((word, found)) if word == wanted.word => found,
        _ if target.op(index).name().eq_ignore_ascii_case(&wanted.word) => bare(target, index),
        _ => return false,
    };
    match (&wanted.operand, found) {
        (RawOperand::Any | RawOperand::None, _) => true,
        (RawOperand::Capture(name), found) => match captures.get(name) {
            Some(known) => *known == found,
            None => {
                captures.insert(name.clone(), found);
                true
            }
        },
        (RawOperand::Name(wanted), Found::Name(found)) => *wanted == found,
        (RawOperand::Value(wanted), Found::Value(found)) => *wanted == found,
        (RawOperand::Operator(wanted), Found::Operator(found)) => wanted == found,
        (RawOperand::Number(wanted), Found::Number(found)) => *wanted == found,
        _ => false,
    }
}
