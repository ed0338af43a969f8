//! `list`: the registered patches.

use crate::daemon::Daemon;
use crate::server::Client;
use patchctl_protocol::client::{PatchInfo, Reply};

pub fn handle(daemon: &Daemon, client: &Client) -> Reply {
    Reply::Patches { patches: patches(daemon, client) }
}

/// The patches that concern the client's user.
pub fn patches(daemon: &Daemon, client: &Client) -> Vec<PatchInfo> {
    let snapshot = daemon.keeper.snapshot();
    let uid = client.process.uid;
    let shown = snapshot.entries.iter().filter(|entry| uid == 0 || daemon.access.reaches(entry.owner, uid));
    shown.map(|entry| entry.info()).collect()
}
