//! `daemon stop`: ends the daemon. Processes keep what they have.

use super::handled::{Handled, refuse};
use crate::daemon::Daemon;
use crate::server::Client;
use patchctl_protocol::client::{ErrorKind, Reply};

pub fn handle(daemon: &Daemon, client: &Client) -> Handled {
    if !daemon.access.may_change(client.process.uid, daemon.access.uid) {
        return Err(refuse(ErrorKind::Denied, "only root stops the machine's daemon", ""));
    }
    daemon.stop.notify_one();
    Ok(Reply::Done)
}
