//! The verifier: whether the interpreter can run a code object safely.
//!
//! CPython trusts its code objects. `f.__code__ = c` checks the number of free variables
//! and nothing else; a wrong operand reads past an array, a stack out of balance overwrites
//! memory. [`verify`] accepts only what the version's own compiler could have relied on:
//!
//! 1. the bytes decode to instructions of the version (see [`crate::decode`]),
//! 2. targets are instructions that may be targets ([`glue`]),
//! 3. each instruction has one stack depth, within the declared size,
//! 4. operands are in range ([`operands`]),
//! 5. cells, locals and borrowed references are what the instruction takes ([`transfer`]),
//! 6. handlers find the stack they cut ([`flow`]),
//! 7. the prologue fits the flags ([`prologue`]),
//! 8. the replaced function still fits ([`replacement`]),
//! 9. the line table covers the code (see [`crate::decode`]).
//!
//! Points 3 and 5 are one abstract interpretation over kinds of values ([`kind`]).

mod beyond;
mod blocks;
mod error;
mod flow;
mod functions;
mod glue;
mod kind;
mod known;
mod moves;
mod operands;
mod prologue;
mod replacement;
mod state;
mod transfer;
mod variables;

pub(crate) use operands::COMPARE_MASKS;

pub use error::{Defect, VerifyError};
pub use replacement::{Defaults, verify_replacement};

use crate::body::Body;
use crate::{CodeObject, Version, decode};

/// Stack sizes beyond this make the frame size overflow (3.12 and newer).
const MAX_STACK: u32 = 1 << 20;

/// What is known of an accepted code object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Stack slots the code needs.
    pub stack_depth: u32,
}

/// Verifies one code object, without those nested in it.
///
/// # Errors
/// The first defect found, with its instruction.
pub fn verify(code: &CodeObject, version: Version) -> Result<Verified, VerifyError> {
    let body = decode(code, version).map_err(|error| VerifyError::whole(error.into()))?;
    verify_body(code, &body)
}

/// Verifies a code object and all nested in it.
///
/// # Errors
/// The first defect found; the path of nested names is in the error.
pub fn verify_tree(code: &CodeObject, version: Version) -> Result<Verified, VerifyError> {
    let verified = verify(code, version).map_err(|error| error.within(&code.qualname))?;
    for (_, nested) in code.nested() {
        verify_tree(nested, version)?;
    }
    Ok(verified)
}

/// Verifies a code object of which `body` is the decoded form.
///
/// # Errors
/// The first defect found, with its instruction.
pub fn verify_body(code: &CodeObject, body: &Body) -> Result<Verified, VerifyError> {
    if code.stacksize > MAX_STACK {
        return Err(VerifyError::whole(Defect::StackSize(code.stacksize)));
    }
    if code.parameter_count() > code.varnames.len() || code.posonlyargcount > code.argcount {
        return Err(VerifyError::whole(Defect::Parameters));
    }
    let targeted = body.targeted();
    operands::check(code, body)?;
    glue::check(code, body, &targeted)?;
    prologue::check(code, body, &targeted)?;
    let stack_depth = flow::check(code, body, &targeted)?;
    if stack_depth > code.stacksize {
        let declared = code.stacksize;
        return Err(VerifyError::whole(Defect::StackTooSmall { declared, needed: stack_depth }));
    }
    Ok(Verified { stack_depth })
}
