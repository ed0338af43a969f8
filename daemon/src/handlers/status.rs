//! `daemon status`: the daemon's own state.

use crate::daemon::Daemon;
use crate::process::resident_memory;
use patchctl_protocol::PROTOCOL;
use patchctl_protocol::client::{Reply, Status};

pub fn handle(daemon: &Daemon) -> Reply {
    let snapshot = daemon.keeper.snapshot();
    let location = &daemon.location;
    let broken = snapshot.entries.iter().filter_map(|entry| entry.broken.clone());
    Reply::Status(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL,
        pid: std::process::id(),
        scope: location.scope,
        socket: location.socket().to_string_lossy().into_owned(),
        patches_folder: location.patches.to_string_lossy().into_owned(),
        state_folder: location.state.to_string_lossy().into_owned(),
        revision: snapshot.revision,
        patches: snapshot.entries.len() as u64,
        processes: daemon.links.count() as u64,
        started_at: daemon.started_at,
        off: snapshot.off,
        memory: resident_memory(),
        problems: daemon.history.fault().into_iter().chain(broken).collect(),
    })
}
