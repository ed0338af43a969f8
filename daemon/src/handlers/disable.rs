//! `disable`: switches patches off, leaving them in the registry.

use super::handled::Handled;
use super::outcome;
use crate::daemon::Daemon;
use crate::registry::Command;
use crate::server::Client;
use patchctl_protocol::client::{ChangeRequest, Reply};
use std::sync::Arc;

pub async fn handle(daemon: &Arc<Daemon>, client: &mut Client, request: ChangeRequest) -> Handled {
    if request.dry_run {
        return outcome::dry_run(daemon, client, &request.ids);
    }
    let ChangeRequest { ids, reason, wait_ms, .. } = request;
    let author = client.author(&reason);
    let made = daemon.keeper.change(|answer| Command::Enable { ids, enable: false, author, answer }).await?;
    Ok(Reply::Changed(outcome::gather(daemon, client, &made, wait_ms).await))
}
