//! Which handler a request goes to.

use super::handled::Handled;
use super::{
    add, audit, check, detach, diff, disable, enable, history, list, look, processes, remove, show, status,
    stop, switch,
};
use crate::daemon::Daemon;
use crate::server::Client;
use patchctl_protocol::client::Request;
use std::sync::Arc;

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
