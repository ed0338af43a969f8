//! `detach`: lets processes go, with their originals in place.

use super::handled::{Handled, refuse, visible};
use crate::daemon::Daemon;
use crate::server::Client;
use patchctl_protocol::client::{ErrorKind, Reply};
use patchctl_protocol::hook::ToHook;
use std::sync::Arc;

pub async fn handle(daemon: &Arc<Daemon>, client: &Client, pids: &[u32]) -> Handled {
    let links = visible(daemon, client, pids);
    let missing = pids.iter().find(|pid| !links.iter().any(|link| link.asker.process.pid == **pid));
    if let Some(pid) = missing {
        let message = format!("process {pid} is not linked");
        return Err(refuse(ErrorKind::NotFound, message, "`patchctl ps` shows the linked processes."));
    }
    for link in links {
        if !link.try_send(&ToHook::Detach) {
            let message = format!("process {} does not read", link.asker.process.pid);
            return Err(refuse(ErrorKind::Internal, message, "Try again when it runs."));
        }
    }
    Ok(Reply::Done)
}
