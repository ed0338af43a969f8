//! The patches: which there are, what each process should have of them, and every change of that.
//!
//! [`Keeper`] owns all of it in one thread. It reads and writes the patch folder (`folder`), keeps
//! the registry itself (`state`, pure), and publishes a [`Snapshot`] after each change. Sockets and processes are
//! unknown here.

mod change;
mod entry;
mod file;
mod folder;
mod header;
mod indexes;
mod keeper;
mod naming;
mod requests;
mod serials;
mod snapshot;
mod state;
mod trust;
mod undo;
mod view;

pub use change::{Author, Outcome, Prepared};
pub use entry::Entry;
pub use file::read as read_file;
pub use header::Overrides;
pub use indexes::remove as remove_indexes;
pub use keeper::{Command, Keeper, KeeperHandle};
pub use naming::{check_id, file_name};
pub use snapshot::Snapshot;
pub use view::View;
