//! CPython code objects, 3.9 to 3.15: read, decode, encode, verify.
//!
//! A [`CodeObject`] is plain data. [`decode`] turns its bytes into a [`Body`]: instructions
//! with labels instead of offsets, and for each instruction one exception handler and one
//! location. [`encode`] and [`assemble`] write a body back; what was not changed comes out
//! byte for byte as the compiler wrote it. [`verify`] says whether the interpreter can run
//! a code object without leaving the rules that its own compiler guarantees: the
//! interpreter checks next to nothing itself, and a wrong byte ends the process.
//!
//! What differs between the versions is in [`tables`], never in the algorithms. Nothing
//! here needs a Python interpreter.

mod body;
mod code;
mod constant;
mod decode;
mod depth;
pub mod edit;
mod encode;
mod encode_error;
mod exceptions;
mod layout;
mod lines;
pub mod marshal;
mod show;
mod splice;
pub mod tables;
mod text;
mod verify;
mod version;

pub use body::{Body, Handler, HandlerId, Instruction, Label, Location};
pub use code::{CodeObject, flags};
pub use constant::Constant;
pub use decode::{DecodeError, decode};
pub use depth::{DepthError, depths, stack_depth};
pub use encode::{Encoded, assemble, encode, offsets};
pub use encode_error::EncodeError;
pub use exceptions::ExceptionTableError;
pub use lines::LineTableError;
pub use show::{operand, slot_name};
pub use splice::Incoming;
pub use tables::Op;
pub use text::Text;
pub use verify::{
    Defaults, Defect, Verified, VerifyError, verify, verify_body, verify_replacement, verify_tree,
};
pub use version::Version;
