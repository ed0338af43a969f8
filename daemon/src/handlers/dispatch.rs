//! Which handler a request goes to.

use super::{
    add, audit, check, detach, diff, disable, enable, history, list, look, processes, remove, show, status,
    stop, switch,
};
use crate::daemon::Daemon;
use crate::server::{Client, Link};
use patchctl_protocol::client::{ErrorKind, ErrorReply, Reply, Request};
use std::sync::Arc;

/// What handlers come to.
pub type Handled = Result<Reply, ErrorReply>;

/// Carries out a request.
///
/// # Errors
/// Why it was refused.
pub async fn handle(daemon: &Arc<Daemon>, client: &mut Client, request: Request) -> Handled {
    match request {
        Request::Add(request) => add::handle(daemon, client, request).await,
        Request::Remove(request) => remove::handle(daemon, client, request).await,
        Request::Enable(request) => enable::handle(daemon, client, request).await,
        Request::Disable(request) => disable::handle(daemon, client, request).await,
        Request::List => Ok(list::handle(daemon, client)),
        Request::Show { id } => show::handle(daemon, client, &id),
        Request::Audit { deadline_ms, pids } => Ok(audit::handle(daemon, client, deadline_ms, &pids).await),
        Request::Processes => Ok(processes::handle(daemon, client)),
        Request::History(request) => history::handle(daemon, client, request).await,
        Request::Check(request) => check::handle(daemon, client, request).await,
        Request::Diff { id, pids } => diff::handle(daemon, client, id, &pids).await,
        Request::Look { place, pids, deadline_ms } => {
            Ok(look::handle(daemon, client, place, &pids, deadline_ms).await)
        }
        Request::Status => Ok(status::handle(daemon)),
        Request::Switch { off, reason } => switch::handle(daemon, client, off, &reason).await,
        Request::Detach { pids } => detach::handle(daemon, client, &pids).await,
        Request::Stop => stop::handle(daemon, client),
    }
}

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
