//! Code objects in words for people: constants as Python writes them, operands by what they name.

mod literal;
mod operand;

pub use operand::{operand, slot_name};
