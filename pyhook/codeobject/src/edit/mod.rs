//! Edit operations on decoded code: small changes that mean the same on every version.
//!
//! An [`Edit`] names what is meant (an operator, a constant, a variable, a statement), a
//! [`Place`] which occurrence. [`apply`] finds the occurrences, refuses what is ambiguous,
//! changes them, and gives back code the verifier accepts.

mod constants;
mod error;
mod finish;
mod names;
mod operators;
mod parameters;
mod path;
mod place;
mod raw;
mod splice;
mod statement;
mod statements;
mod target;
mod variables;
mod within;

pub use error::{Candidate, EditError};
pub use names::NameKind;
pub use operators::{COMPARE_OPERATORS, UNARY_OPERATORS};
pub use path::nested;
pub use place::{Nth, Place};
pub use raw::{RawInstruction, RawOperand};
pub use statement::{SENTINEL, Source, Statement};
pub use statements::InsertAt;
pub use target::{DefaultsChange, Edited};
pub use variables::Access;
pub use within::apply_within;

use crate::{CodeObject, Constant, Text, Version};
use target::Target;

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Binary operator: `+` to `-`, `+=` to `-=`, `+=` to `+`.
    Binop {
        /// Operator in the source.
        from: String,
        /// Operator it becomes.
        to: String,
        /// Which occurrence.
        place: Place,
    },
    /// Unary operator: one of `-`, `+`, `~`, `not`; `none` as the new one drops it.
    Unary {
        /// Operator in the source.
        from: String,
        /// Operator it becomes.
        to: String,
        /// Which occurrence.
        place: Place,
    },
    /// Comparison: one of `<`, `<=`, `==`, `!=`, `>`, `>=`, `in`, `not in`, `is`, `is not`.
    Compare {
        /// Operator in the source.
        from: String,
        /// Operator it becomes.
        to: String,
        /// Which occurrence.
        place: Place,
    },
    /// Flips a conditional jump.
    Negate {
        /// Which test.
        place: Place,
    },
    /// Constant, also within constant tuples, frozensets and slices.
    Const {
        /// Value in the code, matched by type and value.
        from: Constant,
        /// Value it becomes.
        to: Constant,
        /// Which occurrence.
        place: Place,
    },
    /// Name of a global, attribute or import.
    Name {
        /// What the name is for; any of it if not given.
        kind: Option<NameKind>,
        /// Name in the code.
        from: Text,
        /// Name it becomes.
        to: Text,
        /// Which occurrence.
        place: Place,
    },
    /// A global's load becomes a constant.
    GlobalToConst {
        /// Name of the global.
        name: Text,
        /// The value.
        value: Constant,
        /// Which occurrence.
        place: Place,
    },
    /// A global's load becomes a load of a variable of the function.
    GlobalToLocal {
        /// Name of the global.
        name: Text,
        /// Name of the variable.
        local: Text,
        /// Which occurrence.
        place: Place,
    },
    /// A variable becomes another.
    Local {
        /// Variable in the code.
        from: Text,
        /// Variable it becomes.
        to: Text,
        /// Loads or stores.
        access: Access,
        /// Which occurrence.
        place: Place,
    },
    /// A parameter more, after the positional ones, with a default value.
    AddArg {
        /// Its name.
        name: Text,
        /// Its default.
        default: Constant,
    },
    /// A parameter gets another name.
    RenameArg {
        /// Its name.
        from: Text,
        /// Its new name.
        to: Text,
    },
    /// Two positional parameters change places.
    SwapArgs {
        /// One.
        a: Text,
        /// The other.
        b: Text,
    },
    /// A statement more.
    Insert {
        /// Where.
        at: InsertAt,
        /// The statement.
        statement: Box<Statement>,
    },
    /// The simple statement that starts on a line goes.
    RemoveStmt {
        /// Line of the file.
        line: i32,
    },
    /// Another statement in place of the simple one that starts on a line.
    ReplaceStmt {
        /// Line of the file.
        line: i32,
        /// The statement.
        statement: Box<Statement>,
    },
    /// A sequence of instructions in place of another.
    Raw {
        /// What is looked for.
        pattern: Vec<RawInstruction>,
        /// What comes in its place.
        replacement: Vec<RawInstruction>,
        /// Which occurrence.
        place: Place,
    },
}

/// Applies edits, in order, to one function.
///
/// # Errors
/// When an occurrence is missing or ambiguous (with the candidates), when an edit makes no
/// sense for the code, or when the verifier refuses the result. Nothing is changed then.
pub fn apply(code: &CodeObject, version: Version, edits: &[Edit]) -> Result<Edited, EditError> {
    let mut target = Target::new(code, version)?;
    for edit in edits {
        one(&mut target, edit)?;
    }
    finish::finish(target, code)
}

fn one(target: &mut Target, edit: &Edit) -> Result<(), EditError> {
    match edit {
        Edit::Binop { from, to, place } => operators::binop(target, from, to, place),
        Edit::Unary { from, to, place } => operators::unary(target, from, to, place),
        Edit::Compare { from, to, place } => operators::compare(target, from, to, place),
        Edit::Negate { place } => operators::negate(target, place),
        Edit::Const { from, to, place } => constants::replace(target, from, to, place),
        Edit::Name { kind, from, to, place } => names::rename(target, *kind, from, to, place),
        Edit::GlobalToConst { name, value, place } => names::to_const(target, name, value, place),
        Edit::GlobalToLocal { name, local, place } => names::to_local(target, name, local, place),
        Edit::Local { from, to, access, place } => variables::substitute(target, from, to, *access, place),
        Edit::AddArg { name, default } => parameters::add(target, name, default),
        Edit::RenameArg { from, to } => parameters::rename(target, from, to),
        Edit::SwapArgs { a, b } => parameters::swap(target, a, b),
        Edit::Insert { at, statement } => statements::insert(target, at, statement),
        Edit::RemoveStmt { line } => statements::remove(target, *line),
        Edit::Raw { pattern, replacement, place } => raw::replace(target, pattern, replacement, place),
        Edit::ReplaceStmt { line, statement } => statements::replace(target, *line, statement),
    }
}
