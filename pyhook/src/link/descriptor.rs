//! Descriptors of the link in a process that is not ours: programs that become daemons close all they find,
//! and open others under the same numbers. Ours lie high, where no new one gets its number, and are looked at
//! before they are used.

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::fstat;
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, getrlimit};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// Highest number of a descriptor that programs with `select` expect.
const USUAL_LIMIT: u64 = 1024;
/// So far below the limit ours begin.
const BELOW: u64 = 64;

/// The same under a high number; as it is where there is none. The first high number of a process with several
/// threads makes it wait for all processors (`expand_fdtable` in Linux's `fs/file.c`), so where we attach to a
/// process that runs, which hardly becomes a daemon any more, the numbers stay low.
pub fn lift(descriptor: OwnedFd) -> OwnedFd {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(USUAL_LIMIT).min(USUAL_LIMIT);
    let floor = i32::try_from(limit.saturating_sub(BELOW)).unwrap_or(0);
    fcntl_dupfd_cloexec(&descriptor, floor).unwrap_or(descriptor)
}

/// A wake-up for the link's thread, with a high number if it is to be `lifted`.
///
/// # Errors
/// That the process has no descriptor left.
pub fn wake(lifted: bool) -> io::Result<Arc<OwnedFd>> {
    let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    Ok(Arc::new(if lifted { lift(wake) } else { wake }))
}

/// What tells an open file from others: device and inode.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity(u64, u64);

impl Identity {
    /// That of a descriptor; `None` if it is closed.
    pub fn of(descriptor: BorrowedFd<'_>) -> Option<Self> {
        fstat(descriptor).ok().map(|found| Self(found.st_dev, found.st_ino))
    }

    /// Whether the descriptor still is what it was.
    ///
    /// # Errors
    /// That someone closed it; its number may be another file's.
    pub fn check(self, descriptor: impl AsFd) -> io::Result<()> {
        if Self::of(descriptor.as_fd()) == Some(self) { Ok(()) } else { Err(rustix::io::Errno::BADF.into()) }
    }
}
