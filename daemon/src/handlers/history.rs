//! `history`: what happened, and whether the record of it is whole.

use super::handled::{Handled, internal};
use crate::daemon::Daemon;
use crate::server::Client;
use patchctl_protocol::client::{HistoryRequest, Reply};
use std::sync::Arc;

pub async fn handle(daemon: &Arc<Daemon>, client: &Client, request: HistoryRequest) -> Handled {
    let history = daemon.history.clone();
    let listed = tokio::task::spawn_blocking(move || history.list(request)).await;
    let (mut entries, verified) = listed.map_err(internal)?.map_err(internal)?;
    let uid = client.process.uid;
    entries.retain(|entry| daemon.access.may_change(uid, entry.uid.unwrap_or(daemon.access.uid)));
    Ok(Reply::History { entries, verified })
}
