//! Reads a module's source file for a process: only regular files, within a limit, and only what that
//! process could read itself. The digest of an unchanged file is not computed twice.

use super::cache::Cache;
use super::decode::decode;
use crate::access::Access;
use patchctl_planner::digest;
use patchctl_protocol::digest::Digest;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Largest source file that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// What tells one version of a source file from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Version {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Source files seen so far, by version.
#[derive(Debug)]
pub struct Sources {
    access: Access,
    digests: Cache<Version, Option<Digest>>,
}

impl Sources {
    #[must_use]
    pub fn new(access: Access) -> Self {
        const MEMORY: usize = 256 << 10;
        Self { access, digests: Cache::new(MEMORY) }
    }

    /// Digest of the text of a source file, and the text where it had to be read for that. `None`: the
    /// daemon can't or may not read it, or can't decode it.
    #[must_use]
    pub fn read(&self, path: &Path, uid: u32) -> Option<(Digest, Option<String>)> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
        let found = file.metadata().ok().filter(|found| found.is_file() && found.size() <= LARGEST)?;
        if !path.is_absolute() || !self.access.may_read_for(uid, &file, path) {
            return None;
        }
        let version = Version {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        };
        let mut text = None;
        let read = || {
            text = content(&file);
            text.as_ref().map(|text| digest(text.as_bytes()))
        };
        let known = self.digests.get(&version, read, |_| 100)?;
        Some((known, text))
    }

    /// The text of a source file, whether or not its digest is known.
    #[must_use]
    pub fn text(&self, path: &Path) -> Option<String> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        content(&File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?))
    }
}

fn content(file: &File) -> Option<String> {
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    decode(&bytes)
}
