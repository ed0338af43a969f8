//! Opens one file of the patch folder with suspicion: whose it is, who may write to it, what sort of file
//! it is, how large. Nothing here blocks on a fifo or a device.

use crate::access::Access;
use patchctl_planner::LARGEST_PATCH;
use rustix::fs::{Mode, OFlags};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What tells one version of a file from another without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    link: Option<(PathBuf, i64, i64)>,
    device: u64,
    inode: u64,
    size: u64,
    mode: u32,
    uid: u32,
    changed: (i64, i64),
    modified: (i64, i64),
}

impl Stamp {
    /// The stamp of what is at `path` now, links followed. A broken link has one too, a missing file none.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let own = fs::symlink_metadata(path).ok()?;
        let link = own
            .is_symlink()
            .then(|| (fs::read_link(path).unwrap_or_default(), own.ctime(), own.ctime_nsec()));
        let found = if link.is_some() { fs::metadata(path).unwrap_or(own) } else { own };
        Some(Self {
            link,
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            mode: found.mode(),
            uid: found.uid(),
            changed: (found.ctime(), found.ctime_nsec()),
            modified: (found.mtime(), found.mtime_nsec()),
        })
    }
}

/// A file that was let in.
#[derive(Debug)]
pub struct Opened {
    pub owner: u32,
    pub link: Option<PathBuf>,
    pub content: Result<Vec<u8>, String>,
}

/// Reads a patch file, or says why not.
#[must_use]
pub fn read(path: &Path, access: Access) -> Opened {
    let own = fs::symlink_metadata(path);
    let link = fs::read_link(path).ok();
    let owner = own.as_ref().map_or(access.uid, MetadataExt::uid);
    let content = own.map_err(|error| explain(path, &error)).and_then(|own| {
        let (file, found) = open(path)?;
        check(path, &own, &found, access)?;
        content(path, file)
    });
    Opened { owner, link, content }
}

fn explain(path: &Path, error: &io::Error) -> String {
    let name = path.display();
    match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::LOOP) => format!("{name}: a loop of symbolic links"),
        Some(rustix::io::Errno::NOENT) => format!("{name}: a symbolic link to a file that is not there"),
        _ => format!("{name}: {error}"),
    }
}

fn open(path: &Path) -> Result<(File, Metadata), String> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let before = fs::metadata(path).map_err(|error| explain(path, &error))?;
    sort_of(path, &before)?;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| explain(path, &error.into()))?;
    let file = File::from(file);
    let found = file.metadata().map_err(|error| explain(path, &error))?;
    sort_of(path, &found)?;
    Ok((file, found))
}

/// Only regular files are patches.
fn sort_of(path: &Path, found: &Metadata) -> Result<(), String> {
    let kind = found.file_type();
    let sort = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Err(format!("{}: {sort}, not a file", path.display()))
}

/// A patch file is code: only its owner may be able to write it, and the owner must be one of those whose
/// patches are taken. A link may not reach a file of someone else.
fn check(path: &Path, own: &Metadata, found: &Metadata, access: Access) -> Result<(), String> {
    let name = path.display();
    for owner in [own.uid(), found.uid()] {
        if !access.owner_is_trusted(owner) {
            return Err(format!(
                "{name}: belongs to uid {owner}; `chown {} {name}` if it is meant",
                access.uid
            ));
        }
    }
    if own.is_symlink() && own.uid() != found.uid() && !access.may_change(own.uid(), found.uid()) {
        return Err(format!("{name}: a link of uid {} to a file of uid {}", own.uid(), found.uid()));
    }
    if found.mode() & 0o022 != 0 {
        return Err(format!("{name}: others may write to it; `chmod go-w {name}`"));
    }
    if own.is_symlink() {
        check_folder_of_target(path)?;
    }
    if found.size() > LARGEST_PATCH {
        return Err(format!("{name}: {} bytes, more than a patch may have ({LARGEST_PATCH})", found.size()));
    }
    Ok(())
}

/// Who may write to the folder of a link's target can put another file in its place.
fn check_folder_of_target(path: &Path) -> Result<(), String> {
    let target = fs::canonicalize(path).map_err(|error| explain(path, &error))?;
    let Some(folder) = target.parent() else { return Ok(()) };
    let found = fs::metadata(folder).map_err(|error| explain(folder, &error))?;
    const STICKY: u32 = 0o1000;
    if found.mode() & 0o022 != 0 && found.mode() & STICKY == 0 {
        let folder = folder.display();
        return Err(format!("{}: others may write to {folder}; `chmod go-w {folder}`", path.display()));
    }
    Ok(())
}

fn content(path: &Path, file: File) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    file.take(LARGEST_PATCH + 1).read_to_end(&mut bytes).map_err(|error| explain(path, &error))?;
    if bytes.len() as u64 > LARGEST_PATCH {
        return Err(format!("{}: more bytes than a patch may have ({LARGEST_PATCH})", path.display()));
    }
    Ok(bytes)
}
