//! Patch files: what they say about themselves, where they apply, and what they hold.

mod block;
mod body;
mod edits;
mod file;
mod guard;
mod header;
mod keys;
mod path;
mod reader;

pub(crate) use body::{Body, ModuleDiff};
pub use file::{LARGEST_PATCH, Patch, digest, parse};
pub use guard::Environment;
pub use header::{Header, Processes};
