//! Opcode tables of the versions: generated facts, hand-written rules, look-up.

mod digest;
mod facts;
mod flow;
mod op;
mod rules;
mod signature;
mod table;
mod v3_10;
mod v3_11;
mod v3_12;
mod v3_13;
mod v3_14;
mod v3_15;
mod v3_9;

pub use digest::digest;
pub use facts::{Jump, Operand};
pub use op::Op;
pub use rules::{CompareLayout, Handlers, LineFormat, Rules, rules};
pub use signature::{Item, Signature, Want};
pub use table::{Meaning, OpInfo, Shape, Table, table};
