//! What can be wrong with a code object.

use thiserror::Error;

use crate::body::Body;
use crate::tables::Op;
use crate::{DecodeError, Text};

/// Why a code object is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Defect {
    /// The bytes are no code of the version.
    #[error("{0}")]
    Decode(#[from] DecodeError),
    /// An operand no compiler writes.
    #[error("operand {0} is out of range")]
    Operand(u32),
    /// A constant of the wrong type.
    #[error("constant {0} has the wrong type")]
    ConstantType(u32),
    /// More values taken than there are.
    #[error("stack underflow")]
    Underflow,
    /// Two ways lead here with different stacks.
    #[error("reached with stack depths {0} and {1}")]
    Depths(usize, usize),
    /// Two ways lead here with values that do not go together.
    #[error("reached with different kinds of values at stack position {0}")]
    Kinds(usize),
    /// Two ways lead here with different blocks set up.
    #[error("reached with different blocks")]
    Blocks,
    /// A value of the wrong kind.
    #[error("takes {wanted} but finds {found}")]
    Value {
        /// What the instruction takes.
        wanted: String,
        /// What lies there.
        found: String,
    },
    /// `co_stacksize` is less than the code needs.
    #[error("stack size {declared} is too small, {needed} slots are needed")]
    StackTooSmall {
        /// `co_stacksize`
        declared: u32,
        /// Slots needed.
        needed: u32,
    },
    /// `co_stacksize` is absurd.
    #[error("stack size {0} is absurd")]
    StackSize(u32),
    /// More parameters than local variables.
    #[error("parameters do not fit the local variables")]
    Parameters,
    /// Control runs past the last instruction.
    #[error("control falls off the end")]
    FallsOff,
    /// Values or blocks are left at a return.
    #[error("returns with {0} values or blocks left")]
    LeftOver(usize),
    /// A local that may be unbound is loaded without a test.
    #[error("local variable slot {0} may be unbound")]
    Unbound(u32),
    /// A cell instruction on what is no cell, or the reverse.
    #[error("slot {slot} holds {found}")]
    Slot {
        /// The slot.
        slot: u32,
        /// What it holds.
        found: &'static str,
    },
    /// A borrowed reference outlives its local variable.
    #[error("a borrowed reference to slot {0} is still in use")]
    Borrow(u32),
    /// A jump to an instruction that belongs to another, or misses its partner.
    #[error("{0}")]
    Glue(&'static str),
    /// The first instructions do not fit the flags or variables.
    #[error("prologue: {0}")]
    Prologue(&'static str),
    /// A handler cuts the stack to more than there is.
    #[error("exception handler keeps {kept} values of {depth}")]
    HandlerDepth {
        /// Depth the handler wants.
        kept: u32,
        /// Depth there is.
        depth: usize,
    },
    /// A block that is not there, or of another kind.
    #[error("block stack: {0}")]
    Block(&'static str),
    /// The closure of a new function does not fit its code.
    #[error("closure of {given} cells for {wanted} free variables")]
    Closure {
        /// Cells given.
        given: u32,
        /// Free variables of the code.
        wanted: u32,
    },
    /// The new code does not fit the function it is for.
    #[error("{0}")]
    Replacement(String),
}

/// A refused code object.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{defect}", self.place())]
pub struct VerifyError {
    /// Index of the instruction in the decoded body.
    pub index: Option<usize>,
    /// The instruction.
    pub op: Option<Op>,
    /// Source line of the instruction.
    pub line: Option<i32>,
    /// Qualified name of the code object, when more than one was looked at.
    pub qualname: Option<Text>,
    /// What is wrong.
    pub defect: Defect,
}

impl VerifyError {
    pub(super) fn whole(defect: Defect) -> Self {
        Self { index: None, op: None, line: None, qualname: None, defect }
    }

    pub(super) fn at(body: &Body, index: usize, defect: Defect) -> Self {
        let instruction = body.instructions.get(index);
        Self {
            index: Some(index),
            op: instruction.map(|i| i.op),
            line: instruction.and_then(|i| i.location.line()),
            qualname: None,
            defect,
        }
    }

    pub(super) fn within(mut self, qualname: &Text) -> Self {
        self.qualname = Some(qualname.clone());
        self
    }

    fn place(&self) -> String {
        let mut place = String::new();
        if let Some(qualname) = &self.qualname {
            place += &format!("{qualname}: ");
        }
        if let (Some(index), Some(op)) = (self.index, self.op) {
            place += &format!("instruction {index} {}", op.name());
            if let Some(line) = self.line {
                place += &format!(" (line {line})");
            }
            place += ": ";
        }
        place
    }
}
