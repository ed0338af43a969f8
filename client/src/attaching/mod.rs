//! Processes that run without the hook: which there are, and bringing it into them. How an attach works
//! inside the process stands in the crate `patchctl-attach`.

mod judgement;
mod link;
mod list;
mod outcome;
mod selection;

pub use link::Linker;
pub use list::list;
pub use outcome::{Outcome, Report};
pub use selection::Selection;
