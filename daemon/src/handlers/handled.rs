//! What all handlers share: what they come to, refusals, and which processes a client may see.

use crate::daemon::Daemon;
use crate::server::{Client, Link};
use patchctl_protocol::client::{ErrorKind, ErrorReply, Reply};
use std::sync::Arc;

/// What handlers come to.
pub type Handled = Result<Reply, ErrorReply>;

/// The links that a client may see: all those of its user; root's daemon shows root all.
#[must_use]
pub fn visible(daemon: &Daemon, client: &Client, pids: &[u32]) -> Vec<Arc<Link>> {
    daemon.links.forget_dead();
    let mut links = daemon.links.all();
    links.retain(|link| {
        let process = &link.asker.process;
        daemon.access.may_change(client.process.uid, process.uid)
            && (pids.is_empty() || pids.contains(&process.pid))
    });
    links
}

/// A failure of the daemon itself.
#[must_use]
pub fn internal(message: impl ToString) -> ErrorReply {
    refuse(ErrorKind::Internal, message.to_string(), "`patchctl daemon logs` may tell more.")
}

/// A refusal with its next step.
#[must_use]
pub fn refuse(kind: ErrorKind, message: impl Into<String>, hint: &str) -> ErrorReply {
    let hints = if hint.is_empty() { Vec::new() } else { vec![hint.to_owned()] };
    ErrorReply { kind, message: message.into(), hints, reason: None }
}
