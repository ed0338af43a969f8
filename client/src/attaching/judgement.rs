//! Whether a process may be attached to for a daemon, before it is touched: the one judgement of `attach`
//! and `ps --all`. What its interpreter allows is found out by the crate `patchctl-attach`.

use super::outcome::Refused;
use super::selection::own_user;
use crate::error::Kind;
use patchctl_attach::Process;
use patchctl_protocol::location::{Location, Scope};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Refuses what can't be attached to as it is now, and what would never reach the daemon.
///
/// # Errors
/// The reason.
pub fn judge(process: &Process, location: &Location, force: bool) -> Result<(), Refused> {
    process.check(force).map_err(|refusal| Refused::from(&refusal))?;
    match obstacle(process, location) {
        Some(refused) => Err(refused),
        None => Ok(()),
    }
}

/// Why the hook would never reach the daemon from in there.
fn obstacle(process: &Process, location: &Location) -> Option<Refused> {
    let foreign = process.uid != own_user();
    if foreign && location.scope != Scope::Machine {
        let message = format!("it belongs to user {}, whom this daemon does not serve", process.uid);
        let hint = "the machine's daemon serves all users: run patchctl as root, without --home";
        return Some(refused("other-user", message, hint));
    }
    // A process that may not be looked into is refused for that by the attach itself.
    if foreign && own_user() != 0 {
        return None;
    }
    if patchctl_attach::shares_files(process) || sees(process, location) {
        return None;
    }
    let socket = location.socket();
    let message = format!("the daemon's socket {} is not visible in its file system", socket.display());
    let hint = "mount the socket's folder there, or run a daemon in that container";
    Some(refused("unreachable-daemon", message, hint))
}

fn refused(reason: &'static str, message: String, hint: &str) -> Refused {
    Refused { reason, message, hints: vec![hint.to_owned()], kind: Kind::Refused }
}

/// Whether the daemon's socket stands in the process's own file system.
fn sees(process: &Process, location: &Location) -> bool {
    let socket = location.socket();
    let inside = PathBuf::from(format!("/proc/{}/root", process.pid))
        .join(socket.strip_prefix("/").unwrap_or(&socket));
    let identity = |path: &PathBuf| fs::metadata(path).map(|data| (data.dev(), data.ino())).ok();
    identity(&inside).is_some_and(|inside| identity(&socket) == Some(inside))
}
