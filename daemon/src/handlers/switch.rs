//! `off` and `on`: all patches out of all processes, and back.

use super::handled::Handled;
use super::outcome;
use crate::daemon::Daemon;
use crate::registry::Command;
use crate::server::Client;
use patchctl_protocol::client::Reply;
use std::sync::Arc;

/// How long the processes are waited for, in milliseconds.
const WAIT_MS: u64 = 5_000;

pub async fn handle(daemon: &Arc<Daemon>, client: &mut Client, off: bool, reason: &str) -> Handled {
    let author = client.author(reason);
    let made = daemon.keeper.change(|answer| Command::Switch { off, author, answer }).await?;
    Ok(Reply::Changed(outcome::gather(daemon, client, &made, WAIT_MS).await))
}
