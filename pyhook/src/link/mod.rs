//! The link: one native thread with one connection to the daemon, waiting for pushes. [`control`] owns the
//! thread's life (start, pause around fork, close at exit), [`signal`] is what it is told meanwhile, [`thread`]
//! what it does; [`gate`] keeps it from the interpreter at exit, [`wire`] is the connection, [`session`] the
//! conversation.

mod control;
mod descriptor;
pub mod gate;
mod session;
mod signal;
mod thread;
mod wire;

pub use control::{close, go_on, pause, renew, renew_if_forked, resume, start, unpause};
pub use signal::{nudge, report_soon};
