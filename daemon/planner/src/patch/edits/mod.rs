//! Edit patches: `[[edit]]` tables in TOML, each with one operation on the compiled code of a function.

mod address;
mod function;
mod list;
mod operation;
mod operators;
mod sequence;
mod value;

pub(super) use list::read;
