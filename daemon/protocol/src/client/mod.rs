//! Messages between `patchctl` and the daemon: one request, any number of [`Reply::Progress`], then one
//! last reply, on one connection. Who asks is taken from the socket's peer credentials.

mod history;
mod module;
mod patch;
mod process;
mod reply;
mod request;

pub use history::{HistoryEntry, Verified};
pub use module::{CheckedModule, ModuleTexts};
pub use patch::{HeaderInfo, PatchInfo, PatchKind};
pub use process::{
    AuditReply, AuditedProcess, Changed, LookReply, LookedProcess, ProcessInfo, ProcessOutcome,
};
pub use reply::{ErrorKind, ErrorReply, Reply, Status};
pub use request::{AddRequest, ChangeRequest, CheckRequest, HistoryRequest, NewFile, Request};
