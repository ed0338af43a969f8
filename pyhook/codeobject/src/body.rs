//! The decoded form of a code object's instructions: labels instead of offsets, one
//! handler reference and one location per instruction.

use crate::Version;
use crate::tables::Op;

/// A place jumps go to; an index into [`Body::labels`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(pub u32);

/// An exception handler; an index into [`Body::handlers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HandlerId(pub u32);

/// Where an exception goes (3.11 and newer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handler {
    /// First instruction of the handler.
    pub target: Label,
    /// The stack is cut to this depth first.
    pub depth: u32,
    /// The offset of the raising instruction is pushed before the exception.
    pub lasti: bool,
}

/// Source position of an instruction. Lines count from 1, columns are byte offsets from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// No position.
    None,
    /// A line without columns.
    Line(i32),
    /// A span; a column of -1 is unknown.
    Span {
        /// First line.
        line: i32,
        /// Last line.
        end_line: i32,
        /// First column.
        column: i32,
        /// Column after the last.
        end_column: i32,
    },
}

impl Location {
    /// The first line, if there is one.
    #[must_use]
    pub fn line(self) -> Option<i32> {
        match self {
            Self::None => None,
            Self::Line(line) | Self::Span { line, .. } => Some(line),
        }
    }

    /// The same line without columns.
    #[must_use]
    pub fn without_columns(self) -> Self {
        self.line().map_or(Self::None, Self::Line)
    }
}

/// One instruction. Superinstructions are taken apart into two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// The instruction.
    pub op: Op,
    /// Its operand as the interpreter sees it; 0 for jumps, whose target is a label.
    pub arg: u32,
    /// Jump target.
    pub target: Option<Label>,
    /// Where an exception raised here goes (3.11 and newer).
    pub handler: Option<HandlerId>,
    /// Source position.
    pub location: Location,
    /// Least number of `EXTENDED_ARG` prefixes; keeps superfluous ones of the compiler.
    pub prefixes: u8,
    /// Was one superinstruction with the next; fused again if both still fit.
    pub fused: bool,
}

impl Instruction {
    /// An instruction without target, handler or location.
    #[must_use]
    pub fn new(op: Op, arg: u32) -> Self {
        Self { op, arg, target: None, handler: None, location: Location::None, prefixes: 0, fused: false }
    }

    /// The same at another location.
    #[must_use]
    pub fn at(self, location: Location) -> Self {
        Self { location, ..self }
    }
}

/// The decoded instructions of a code object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Version of CPython the instructions are for.
    pub version: Version,
    /// The instructions in order.
    pub instructions: Vec<Instruction>,
    /// Instruction index each label stands before.
    pub labels: Vec<u32>,
    /// The exception handlers.
    pub handlers: Vec<Handler>,
}

impl Body {
    /// Index of the instruction a label stands before.
    #[must_use]
    pub fn position(&self, label: Label) -> usize {
        self.labels[label.0 as usize] as usize
    }

    /// Index of the instruction's jump target.
    #[must_use]
    pub fn target_of(&self, index: usize) -> Option<usize> {
        let target = self.instructions[index].target?;
        Some(self.position(target))
    }

    /// The handler of an instruction.
    #[must_use]
    pub fn handler_of(&self, index: usize) -> Option<Handler> {
        let id = self.instructions[index].handler?;
        Some(self.handlers[id.0 as usize])
    }

    /// A new label before the instruction at `index`.
    pub fn new_label(&mut self, index: usize) -> Label {
        self.labels.push(index as u32);
        Label(self.labels.len() as u32 - 1)
    }

    /// For each instruction whether a jump or handler leads to it.
    #[must_use]
    pub fn targeted(&self) -> Vec<bool> {
        let mut marks = vec![false; self.instructions.len()];
        let jumps = self.instructions.iter().filter_map(|i| i.target);
        let handlers = self.handlers.iter().map(|handler| handler.target);
        for label in jumps.chain(handlers) {
            if let Some(mark) = marks.get_mut(self.position(label)) {
                *mark = true;
            }
        }
        marks
    }
}
