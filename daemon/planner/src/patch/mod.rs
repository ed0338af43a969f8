//! Patch files: what they say about themselves, where they apply, and what they hold.

mod file;
mod guard;
mod header;

pub use file::{Patch, digest, parse};
pub use guard::Environment;
pub use header::{Header, Processes};
