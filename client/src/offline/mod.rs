//! Checking a patch against an interpreter's packages without a daemon and without running any of
//! their code: the planner on the files that the interpreter would import, and for edits the hook's extension on the
//! code that they compile to.

mod definitions;
mod edits;
mod examine;
pub mod finder;
mod installed;
pub mod text;

pub use examine::examine;
