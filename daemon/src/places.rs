//! Makes the daemon's folders, checks whose they are and who may write there, takes the lock that lets
//! only one daemon run, and binds the socket. What lies in the folders is the business of others.

use crate::registry;
use patchctl_protocol::location::{Location, Scope};
use patchctl_protocol::socket;
use rustix::fs::{FlockOperation, Mode, OFlags};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Why the daemon can't have its places.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("failed to make {path}: {source}")]
    Make { path: PathBuf, source: io::Error },
    #[error("{path} belongs to uid {owner}, not to uid {uid}: remove it, or name another folder by --home")]
    Owner { path: PathBuf, owner: u32, uid: u32 },
    #[error("{path} belongs to uid {owner}, who could put something else in the place of {folder}")]
    Above { path: PathBuf, folder: PathBuf, owner: u32 },
    #[error(
        "everybody may write to {path}, and so put something else in the place of {folder}: `chmod o-w {path}`"
    )]
    Open { path: PathBuf, folder: PathBuf },
    #[error("{path} is no folder")]
    NoFolder { path: PathBuf },
    #[error("another patchd (pid {pid}) serves {path}")]
    Taken { path: PathBuf, pid: String },
}

/// The daemon's places, its own as long as this value lives.
#[derive(Debug)]
pub struct Places {
    pub location: Location,
    uid: u32,
    lock: OwnedFd,
    socket: Option<Identity>,
}

/// Device and inode number.
type Identity = (u64, u64);

impl Places {
    /// Makes and checks all folders and takes the lock.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub fn take(location: Location, uid: u32) -> Result<Self, PlaceError> {
        let (open, closed) = (open_mode(&location), 0o700);
        own_folder(&location.runtime, open, uid)?;
        own_folder(&location.patches, open, uid)?;
        own_folder(&location.state, closed, uid)?;
        own_folder(&location.cache, open, uid)?;
        let lock = lock(&location)?;
        Ok(Self { location, uid, lock, socket: None })
    }

    /// Binds the socket, in the place of one that a dead daemon left behind.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub fn bind(&mut self) -> Result<UnixListener, PlaceError> {
        let path = self.location.socket();
        let failed = |source| PlaceError::Make { path: path.clone(), source };
        remove_if_there(&path).map_err(failed)?;
        let listener = socket::bind(&path).map_err(failed)?;
        let mode = if self.location.scope == Scope::Machine { 0o666 } else { 0o600 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        self.socket = identity(&path);
        Ok(listener)
    }

    /// Makes the socket again where it, or its folder, was removed or replaced; `None` if all is well.
    ///
    /// # Errors
    /// See [`PlaceError`]; [`PlaceError::Taken`] if another daemon has the place by now.
    pub fn look_after(&mut self) -> Result<Option<UnixListener>, PlaceError> {
        let path = self.location.runtime.join(LOCK);
        let locked = rustix::fs::fstat(&self.lock).ok().map(|found| (found.st_dev, found.st_ino));
        let has_lock = locked.is_some() && identity(&path) == locked;
        if has_lock && self.socket.is_some() && identity(&self.location.socket()) == self.socket {
            return Ok(None);
        }
        if !has_lock {
            own_folder(&self.location.runtime, open_mode(&self.location), self.uid)?;
            self.lock = lock(&self.location)?;
        }
        self.bind().map(Some)
    }

    /// Makes the patch folder again if it vanished while the daemon runs.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub fn remake_patches(location: &Location) -> Result<(), PlaceError> {
        own_folder(&location.patches, open_mode(location), rustix::process::geteuid().as_raw())
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        let socket = self.location.socket();
        if self.socket.is_none() || identity(&socket) != self.socket {
            return;
        }
        let removed = remove_if_there(&socket);
        if let Err(error) = removed.and_then(|()| registry::remove_indexes(&self.location)) {
            let folder = self.location.runtime.display();
            tracing::warn!(%folder, uid = self.uid, "failed to remove socket and index: {error}");
        }
    }
}

const LOCK: &str = "lock";

fn identity(path: &Path) -> Option<Identity> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Mode of the folders that others may look into where the daemon is the machine's.
fn open_mode(location: &Location) -> u32 {
    if location.scope == Scope::Machine { 0o755 } else { 0o700 }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes a folder with its parents, or checks the one that is there: ours, and writable by us alone. Modes
/// are repaired, owners are not.
fn own_folder(path: &Path, mode: u32, uid: u32) -> Result<(), PlaceError> {
    let failed = |source| PlaceError::Make { path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        let parents = if mode & 0o077 == 0 { 0o700 } else { 0o755 };
        fs::DirBuilder::new().recursive(true).mode(parents).create(parent).map_err(failed)?;
    }
    match fs::DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => other.map_err(failed)?,
    }
    check_above(path, uid)?;
    let found = fs::metadata(path).map_err(failed)?;
    if !found.is_dir() {
        return Err(PlaceError::NoFolder { path: path.to_owned() });
    }
    if found.uid() != uid {
        return Err(PlaceError::Owner { path: path.to_owned(), owner: found.uid(), uid });
    }
    if found.mode() & 0o7777 & !mode != 0 || found.mode() & 0o700 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed)?;
        tracing::warn!(path = %path.display(), "repaired the folder's mode: it is {mode:o} now");
    }
    Ok(())
}

/// Checks links and folders on the way to a folder: whoever owns one of them, or may write there, decides what
/// it leads to. (In a sticky folder, such as `/tmp`, only the owner may.)
fn check_above(folder: &Path, uid: u32) -> Result<(), PlaceError> {
    const STICKY: u32 = 0o1000;
    let failed = |source| PlaceError::Make { path: folder.to_owned(), source };
    let behind_links = fs::canonicalize(folder).map_err(failed)?;
    for way in [folder, &behind_links] {
        let own_link = way.symlink_metadata().is_ok_and(|found| found.is_symlink());
        for path in way.ancestors().skip(usize::from(!own_link)) {
            let Ok(found) = path.symlink_metadata() else { continue };
            let owner = found.uid();
            let (path, folder) = (path.to_owned(), folder.to_owned());
            if owner != uid && owner != 0 && owner != unmapped_user() {
                return Err(PlaceError::Above { path, folder, owner });
            }
            if found.is_dir() && found.mode() & 0o002 != 0 && found.mode() & STICKY == 0 {
                return Err(PlaceError::Open { path, folder });
            }
        }
    }
    Ok(())
}

/// The uid that stands for users who have none in this user namespace: root outside of a container.
fn unmapped_user() -> u32 {
    let text = fs::read_to_string("/proc/sys/kernel/overflowuid").unwrap_or_default();
    text.trim().parse().unwrap_or(65_534)
}

/// The lock is held by the open file, so it goes with the process however that ends. The file is never
/// removed: another daemon may be waiting for it.
fn lock(location: &Location) -> Result<OwnedFd, PlaceError> {
    let path = location.runtime.join(LOCK);
    let failed = |error: rustix::io::Errno| PlaceError::Make { path: path.clone(), source: error.into() };
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::open(&path, flags, Mode::from_raw_mode(0o600)).map_err(failed)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let pid = fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
            return Err(PlaceError::Taken { path: location.runtime.clone(), pid });
        }
        other => other.map_err(failed)?,
    }
    rustix::fs::ftruncate(&file, 0).map_err(failed)?;
    rustix::io::write(&file, format!("{}\n", std::process::id()).as_bytes()).map_err(failed)?;
    Ok(file)
}
