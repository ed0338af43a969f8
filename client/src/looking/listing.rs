//! A disassembly: instructions with their lines, labels, source and exception handlers.

use super::source;
use super::subject::Code;
use crate::error::{Error, Kind, Result};
use crate::style::{DIM, NAME, STRONG, paint};
use patchctl_codeobject::{Body, Version, decode, offsets, operand};
use serde::Serialize;
use std::collections::BTreeMap;

/// All of it.
#[derive(Serialize)]
pub struct Listing {
    pub name: String,
    pub instructions: Vec<Line>,
    pub handlers: Vec<Range>,
}

/// One instruction.
#[derive(Serialize)]
pub struct Line {
    /// In bytes.
    pub offset: u32,
    pub op: &'static str,
    pub arg: u32,
    /// What the operand stands for.
    pub meaning: Option<String>,
    /// Name of the place before this instruction, if something leads here.
    pub label: Option<String>,
    /// Label that it jumps to.
    pub target: Option<String>,
    pub line: Option<i32>,
    /// Text of the line, on the first instruction of each stretch.
    pub source: Option<String>,
}

/// Instructions from which exceptions go to one handler (3.11 and newer).
#[derive(Serialize)]
pub struct Range {
    /// Offsets in bytes, the end excluded.
    pub start: u32,
    pub end: u32,
    pub target: String,
    /// Values that stay on the stack.
    pub depth: u32,
    /// Whether the offset that raised is pushed as well.
    pub lasti: bool,
}

impl Listing {
    /// Disassembles.
    ///
    /// # Errors
    /// That the code is malformed.
    pub fn new(code: &Code, version: Version) -> Result<Self> {
        let name = code.object.qualname.to_string();
        let malformed = |error: &dyn std::fmt::Display| {
            Error::new(Kind::Failed, format!("the code of {name} is malformed")).cause(error)
        };
        let body = decode(&code.object, version).map_err(|error| malformed(&error))?;
        let offsets = offsets(&body).map_err(|error| malformed(&error))?;
        let labels = labels(&body);
        let label = |place: usize| labels.get(&place).map(|number| format!("L{number}"));
        let mut before = None;
        let line = |(index, instruction): (usize, &patchctl_codeobject::Instruction)| {
            let number = instruction.location.line();
            let is_new = number.is_some() && number != before;
            before = number.or(before);
            Line {
                offset: offsets[index],
                op: instruction.op.name(),
                arg: instruction.arg,
                meaning: operand(&code.object, &body, index),
                label: label(index),
                target: body.target_of(index).and_then(label),
                line: number,
                source: number
                    .filter(|_| is_new)
                    .and_then(|line| source::line(code, line))
                    .map(str::to_owned),
            }
        };
        let instructions: Vec<Line> = body.instructions.iter().enumerate().map(line).collect();
        let handlers = ranges(&body, &offsets, &label);
        Ok(Self { name, instructions, handlers })
    }

    /// The listing as text, its lines one by one.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut before = None;
        for instruction in &self.instructions {
            if instruction.line.is_some() && instruction.line != before {
                before = instruction.line;
                let number = instruction.line.map(|line| line.to_string()).unwrap_or_default();
                let text = instruction.source.as_deref().unwrap_or_default();
                lines.push(format!("{} {} {text}", paint(STRONG, &format!("{number:>5}")), paint(DIM, "|")));
            }
            let label = instruction.label.as_ref().map(|label| format!("{label}:")).unwrap_or_default();
            let offset = paint(DIM, &format!("{:>5}", instruction.offset));
            lines.push(format!("{} {offset}  {}", paint(NAME, &format!("{label:>6}")), instruction.words()));
        }
        if !self.handlers.is_empty() {
            lines.push("exception handlers:".to_owned());
        }
        lines.extend(self.handlers.iter().map(|range| {
            let end = range.end.saturating_sub(2);
            format!("  {:>5} to {end}: {}", range.start, range.words())
        }));
        lines
    }

    /// The same without what differs for no reason of the code's own: offsets and line numbers.
    #[must_use]
    pub fn comparable(&self) -> String {
        let mut text = String::new();
        for instruction in &self.instructions {
            if let Some(source) = &instruction.source {
                text.push_str(&format!("      | {source}\n"));
            }
            let label = instruction.label.as_ref().map(|label| format!("{label}:")).unwrap_or_default();
            text.push_str(&format!("{label:>6}  {}\n", instruction.words()));
        }
        text.extend(self.handlers.iter().map(|range| format!("handler {}\n", range.words())));
        text
    }
}

impl Line {
    fn words(&self) -> String {
        let name = self.op;
        match (&self.target, &self.meaning) {
            (Some(target), _) => format!("{name:<28} to {target}"),
            (None, Some(meaning)) => format!("{name:<28} {} ({meaning})", self.arg),
            (None, None) if self.arg > 0 => format!("{name:<28} {}", self.arg),
            (None, None) => name.to_owned(),
        }
    }
}

impl Range {
    fn words(&self) -> String {
        let lasti = if self.lasti { ", pushes the offset" } else { "" };
        format!("to {}, keeps {} of the stack{lasti}", self.target, self.depth)
    }
}

/// Numbers of the instructions that jumps and handlers lead to, in order.
fn labels(body: &Body) -> BTreeMap<usize, usize> {
    let targeted = body.targeted();
    let places = targeted.iter().enumerate().filter(|(_, targeted)| **targeted);
    places.enumerate().map(|(number, (index, _))| (index, number + 1)).collect()
}

fn ranges(body: &Body, offsets: &[u32], label: &dyn Fn(usize) -> Option<String>) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    let mut open = None;
    for index in 0..body.instructions.len() {
        let handler = body.handler_of(index);
        match (handler, ranges.last_mut()) {
            (Some(_), Some(last)) if open == handler => last.end = offsets[index + 1],
            (Some(new), _) => ranges.push(Range {
                start: offsets[index],
                end: offsets[index + 1],
                target: label(body.position(new.target)).unwrap_or_default(),
                depth: new.depth,
                lasti: new.lasti,
            }),
            (None, _) => {}
        }
        open = handler;
    }
    ranges
}
