//! Why instructions can not be written.

use thiserror::Error;

use crate::depth::DepthError;
use crate::tables::Op;

/// Instructions that cannot be written. Indices count instructions of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The version has no such instruction.
    #[error("instruction {index}: this version has no {op:?}")]
    NoSuchOp {
        /// Index of the instruction.
        index: usize,
        /// The instruction.
        op: Op,
    },
    /// A jump without target, a target without jump, or a target past the end.
    #[error("instruction {index}: {op:?} has no usable target")]
    BadTarget {
        /// Index of the instruction.
        index: usize,
        /// The instruction.
        op: Op,
    },
    /// A jump that would have to go the other way.
    #[error("instruction {index} jumps in the wrong direction")]
    WrongDirection {
        /// Index of the instruction.
        index: usize,
    },
    /// The stack depth is inconsistent.
    #[error("{0}")]
    Depth(#[from] DepthError),
}
