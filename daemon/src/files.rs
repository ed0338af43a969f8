//! Files written so that a reader, or the next start after a crash, finds the old content or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// How sure a write must be before it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durable {
    /// On the disk: survives a power failure.
    Yes,
    /// With the kernel: survives the end of this process.
    No,
}

/// Replaces the file at `path`: a temporary one beside it is written and renamed.
///
/// # Errors
/// What the file system says; nothing is left behind.
pub fn replace(path: &Path, content: &[u8], mode: u32, durable: Durable) -> io::Result<()> {
    replace_given(path, content, mode, durable, |_| Ok(()))?;
    if durable == Durable::Yes { sync_folder(path) } else { Ok(()) }
}

/// As [`replace`]; `give` is called with the temporary file before it takes its place, to hand it to its owner.
/// That the name is on the disk too is left to the caller, who may have more files for the folder.
///
/// # Errors
/// What the file system says; nothing is left behind.
pub fn replace_given(
    path: &Path,
    content: &[u8],
    mode: u32,
    durable: Durable,
    give: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary_beside(path);
    let written = write_new(&temporary, content, mode, durable)
        .and_then(|()| give(&temporary))
        .and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    Ok(())
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// A name beside `path` that no other writer uses and that every reader passes over.
#[must_use]
pub fn temporary_beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".patchd-{}-{number}.tmp", std::process::id()))
}

fn write_new(path: &Path, content: &[u8], mode: u32, durable: Durable) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content)?;
    if durable == Durable::Yes { file.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::{Durable, replace};

    #[test]
    fn replaces_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("a");
        for content in ["one", "two"] {
            replace(&path, content.as_bytes(), 0o600, Durable::Yes).expect("writes");
            assert_eq!(std::fs::read_to_string(&path).expect("reads"), content);
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("lists").count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("taken");
        std::fs::create_dir(&path).expect("makes a folder in the way");
        assert!(replace(&path, b"x", 0o600, Durable::No).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).expect("lists").count(), 1);
    }
}
