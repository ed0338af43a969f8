//! Edits of compiled code: what a plan's edits name is found in the process ([`live`]) or in a module's tree
//! of code objects before it runs ([`import`]), read as data, changed and verified by `patchctl_codeobject`
//! ([`apply`]), and given back to the interpreter ([`convert`]); without a process that has the module they
//! are tried on its code alone ([`trial`]). What must wait until a module has run is done then ([`after`]),
//! what a plan's statements make is edited when they have run ([`made`]). Storing, undoing and telling what is
//! true are reconcile's, as for all other changes.

mod after;
mod apply;
mod constants;
mod convert;
mod defaults;
mod guarded;
mod import;
mod live;
mod made;
mod operation;
mod refusals;
mod tables;
mod trial;
mod verify;

pub use after::with_call;
pub use constants::Objects;
pub use convert::code_object;
pub use defaults::{Change, changed};
pub use import::edited;
pub use live::{is_edited_only, with_functions};
pub use made::Made;
pub use trial::examine;
pub use verify::verify;
