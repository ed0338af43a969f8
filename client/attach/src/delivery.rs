//! Bringing files to where the target can read them: a private folder in its own mount namespace and
//! root folder, owned by its user, gone after the attach.

use crate::process::Process;
use crate::refusal::{Refusal, Result};
use std::ffi::CString;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How the names of the folders begin.
pub const PREFIX: &str = "patchctl-attach-";

/// Where such a folder may be made, in this order.
const PARENTS: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", "/run"];

/// A folder in the target's view; removed when dropped.
#[derive(Debug)]
pub struct Delivery {
    outside: PathBuf,
    inside: String,
    /// Says that the folder is in use.
    _lock: File,
}

impl Delivery {
    /// Makes it.
    ///
    /// # Errors
    /// That there is no place where it may be made and libraries may be loaded from.
    pub fn new(process: &Process) -> Result<Self> {
        let mut failure = io::Error::from(io::ErrorKind::NotFound);
        for parent in PARENTS {
            match Self::below(process, parent) {
                Ok(made) => return Ok(made),
                Err(error) => failure = error,
            }
        }
        Err(Refusal::System { doing: "make a temporary folder for it", source: failure })
    }

    fn below(process: &Process, parent: &str) -> io::Result<Self> {
        let place = root(process).join(parent.trim_start_matches('/'));
        // A link would be followed in this process's view, not in the target's.
        if !fs::symlink_metadata(&place)?.is_dir() || is_noexec(&place)? {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let moment = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let name = format!("{}{}-{moment:x}", PREFIX, std::process::id());
        let outside = place.join(&name);
        DirBuilder::new().mode(0o700).create(&outside)?;
        let lock = lock(&outside).inspect_err(|_| drop(fs::remove_dir(&outside)))?;
        let made = Self { outside, inside: format!("{parent}/{name}"), _lock: lock };
        made.hand_over(&made.outside, process)?;
        Ok(made)
    }

    /// Writes a file, and gives its path in the target's view.
    ///
    /// # Errors
    /// That it can't be written.
    pub fn put(&self, process: &Process, name: &str, content: &[u8]) -> Result<String> {
        let path = self.outside.join(name);
        let written = fs::write(&path, content)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o500)))
            .and_then(|()| self.hand_over(&path, process));
        written.map_err(|source| Refusal::System { doing: "write a temporary file for it", source })?;
        Ok(self.path(name))
    }

    /// A path in the target's view.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.inside)
    }

    /// Content of a file that the target wrote; `None` while there is none.
    #[must_use]
    pub fn take(&self, name: &str) -> Option<String> {
        let bytes = fs::read(self.outside.join(name)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn hand_over(&self, path: &Path, process: &Process) -> io::Result<()> {
        let made = fs::symlink_metadata(path)?;
        if made.uid() == process.uid {
            return Ok(());
        }
        chown(path, Some(process.uid), Some(process.gid))
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // Left behind at worst: a private folder of a temporary one.
        let _ = fs::remove_dir_all(&self.outside);
    }
}

/// Folders below which such folders may be, in this process's view.
pub fn places(process: &Process) -> impl Iterator<Item = PathBuf> {
    let root = root(process);
    let below = PARENTS.iter().map(move |parent| root.join(parent.trim_start_matches('/')));
    below.filter(|place| fs::symlink_metadata(place).is_ok_and(|data| data.is_dir()))
}

fn root(process: &Process) -> PathBuf {
    if shares_files(process) { PathBuf::from("/") } else { process.root() }
}

/// Whether the target sees the same files under the same names.
#[must_use]
pub fn shares_files(process: &Process) -> bool {
    let same = |one: &str, other: PathBuf| {
        let identity = |data: Metadata| (data.dev(), data.ino());
        let both = (fs::metadata(one).map(identity), fs::metadata(other).map(identity));
        matches!(both, (Ok(one), Ok(other)) if one == other)
    };
    let of = |name: &str| PathBuf::from(format!("/proc/{}/{name}", process.pid));
    same("/proc/self/ns/mnt", of("ns/mnt")) && same("/", of("root"))
}

/// Whether a user may read a file: by its own bits and those of the folders above it.
#[must_use]
pub fn may_read(path: &Path, process: &Process) -> bool {
    let allowed = |path: &Path, bit: u32| {
        fs::metadata(path).is_ok_and(|data| {
            let shift = match () {
                () if data.uid() == process.uid => 6,
                () if data.gid() == process.gid => 3,
                () => 0,
            };
            data.mode() >> shift & bit != 0
        })
    };
    process.uid == 0 || (allowed(path, 4) && path.ancestors().skip(1).all(|folder| allowed(folder, 1)))
}

fn is_noexec(path: &Path) -> io::Result<bool> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: all-zero bytes are a valid value of this struct of integers.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: `name` ends in NUL, `found` is a place for the answer.
    if unsafe { libc::statvfs(name.as_ptr(), &raw mut found) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(found.f_flag & libc::ST_NOEXEC != 0)
}

/// Locks a folder for as long as the file is open.
///
/// # Errors
/// That it can't be opened, or that someone else uses it.
pub fn lock(folder: &Path) -> io::Result<File> {
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let open = OpenOptions::new().read(true).custom_flags(flags).open(folder)?;
    // SAFETY: the descriptor is open.
    match unsafe { libc::flock(open.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } {
        0 => Ok(open),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Delivery, may_read, shares_files};
    use crate::process::Process;
    use std::path::Path;

    #[test]
    fn is_private_and_goes_away() {
        let own = Process::of(i32::try_from(std::process::id()).expect("fits")).expect("is there");
        assert!(shares_files(&own));
        let delivery = Delivery::new(&own).expect("is made");
        let path = delivery.put(&own, "file", b"content").expect("is written");
        assert_eq!(delivery.take("file").as_deref(), Some("content"));
        assert!(may_read(Path::new(&path), &own));
        drop(delivery);
        assert!(!Path::new(&path).exists());
    }
}
