//! The hook's files in an interpreter's site-packages: where they come from, putting them there without
//! pip, and taking exactly them out again.

mod files;
mod install;
mod marker;
mod owner;
mod source;

pub use install::{install, support, uninstall};
pub use owner::Owner;
pub use source::extension;
