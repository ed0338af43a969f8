//! The one mechanism: bring modules from what they run now to their target. Import, live add, edit,
//! stacking, removal and undo are all this.
//!
//! [`carry_out`] takes the plans of some modules together: everything is prepared first ([`prepare`]:
//! compile, find all holders, check that what runs is what the plan expects), then stored in one
//! transaction ([`commit`]), which is taken back whole if anything fails. [`graft`] does the same to a
//! module's code before it runs. [`records`] keeps what was replaced; [`audit`] reads what is true.

mod abstracts;
mod annotate;
mod annotations;
mod assign;
mod attributes;
mod audit;
mod below;
mod bind;
mod caches;
mod carry_out;
mod checks;
mod class_members;
mod codes;
mod commit;
mod compiled;
mod containers;
mod contents;
mod edit;
mod effects;
mod elsewhere;
mod enumeration;
mod execute;
mod executor;
mod exports;
mod failures;
mod frames;
mod graft;
mod held;
mod holders;
mod identity;
mod importers;
mod index;
mod interfaces;
mod layout;
mod look;
mod member;
mod monitoring;
mod named;
mod observe;
mod others;
mod prepare;
mod protocols;
mod quiesce;
mod reachable;
mod record;
pub mod records;
mod redirect;
mod regenerate;
mod registered;
mod run;
mod running;
mod scope;
mod script;
mod search;
mod skeletons;
mod slot;
mod snapshot;
mod stars;
mod substitute;
mod templates;
mod texts;
mod threading;
mod trampoline;
mod transaction;
mod unwrap;
mod virtuals;
mod withdraw;

pub use audit::{audit, report};
pub use carry_out::{Verdict, attempt, carry_out, excluded, forget};
pub use edit::examine;
pub use graft::{added, graft};
pub use look::look;
pub use quiesce::{next as next_attempt, tick};
pub use running::{plan as running_plan, with_record};
pub use script::has_begun;
pub use withdraw::withdraw;

use failures::refusal;
