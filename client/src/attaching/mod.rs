//! Processes that run without the hook: which there are, and bringing it into them. How an attach works
//! inside the process stands in the crate `patchctl-attach`.

mod judgement;
mod link;
mod outcome;
mod selection;
mod unlinked;

pub use link::Linker;
pub use outcome::{Outcome, Report};
pub use selection::Selection;
pub use unlinked::{Unlinked, unlinked};
