//! Which daemon serves this process: a connection to it whose peer is checked, and which files may be its.

use patchctl_protocol::location::{self, Location};
use patchctl_protocol::socket;
use rustix::process::{geteuid, getuid};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;

/// Whether environment variables may be believed (not under `-E`, `-I`, or set-uid).
static TRUST_ENVIRONMENT: OnceLock<bool> = OnceLock::new();
/// A folder that an attach named, in place of the environment's.
static NAMED_HOME: RwLock<Option<String>> = RwLock::new(None);

/// Settles, once, whether the environment may redirect the hook.
pub fn trust_environment(trust: bool) {
    let same_user = getuid() == geteuid();
    // A second start keeps what the first one settled.
    let _ = TRUST_ENVIRONMENT.set(trust && same_user);
}

/// Names the daemon's folder for a process that was attached to.
pub fn name_home(home: Option<String>) {
    *NAMED_HOME.write().unwrap_or_else(PoisonError::into_inner) = home;
}

/// The places where this process may find its daemon, in order.
pub fn candidates() -> Vec<Location> {
    Location::candidates(getuid().as_raw(), &variable)
}

fn variable(name: &str) -> Option<OsString> {
    let named = NAMED_HOME.read().unwrap_or_else(PoisonError::into_inner);
    match (&*named, name) {
        (Some(home), location::HOME_VARIABLE) => Some(home.into()),
        _ if *TRUST_ENVIRONMENT.get().unwrap_or(&false) => std::env::var_os(name),
        _ => None,
    }
}

/// Connects to the first daemon that answers and that root or this user runs. One that takes no
/// connections is waited for as long as `patience`.
///
/// # Errors
/// The last failure, or that no socket exists.
pub fn connect(patience: Duration) -> io::Result<UnixStream> {
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for place in candidates() {
        match connect_to(&place, patience) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn connect_to(place: &Location, patience: Duration) -> io::Result<UnixStream> {
    let stream = socket::connect_within(&place.socket(), patience)?;
    let peer = socket::peer(&stream)?;
    if peer.uid == 0 || peer.uid == getuid().as_raw() {
        Ok(stream)
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "the daemon belongs to another user"))
    }
}

/// Whether root or this user owns the file and nobody else may write it.
pub fn is_trusted(file: &File) -> bool {
    let own = getuid().as_raw();
    file.metadata().is_ok_and(|data| (data.uid() == 0 || data.uid() == own) && data.mode() & 0o022 == 0)
}
