//! Pure functions from patch files and source texts to plans.
//!
//! A patch file is [`parse`]d; its guards ([`Patch::guard`]) are asked whether it is meant for a process;
//! the patches of a module are [`order`]ed and [`compose`]d, at source level, into the module's target
//! text; and [`plan`] finds what leads from the text that a process runs to that target. No sockets, no
//! threads, no file access: what these functions need is passed in, so the daemon and an offline check
//! come to the same verdict.

mod attribution;
mod changes;
mod compose;
mod dependents;
mod diff;
mod edits;
mod error;
mod excerpt;
mod fingerprint;
mod globals;
mod graftable;
mod mirror;
mod near;
mod order;
mod pair;
mod parts;
mod patch;
mod plan;
mod replaced;
mod skeleton;
mod source;
mod stack;
mod without_source;

pub use compose::{Composed, Contribution, compose};
pub use edits::{add_edits, edits};
pub use error::ParseError;
pub use fingerprint::fingerprint;
pub use near::near_misses;
pub use order::order;
pub use patch::{Environment, Header, LARGEST_PATCH, Patch, Processes, digest, parse};
pub use patchctl_protocol::hook::Phase;
pub use plan::{PlanOptions, Texts, plan};
pub use without_source::plan_without_source;
