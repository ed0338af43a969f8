//! The index files, see [`patchctl_protocol::index`]. The machine's daemon writes one for all, with the names
//! of modules that root's patches touch, and one for each user with patches, which only that user can read.

use super::Snapshot;
use crate::access::Access;
use crate::files::{self, Durable};
use patchctl_protocol::index::Index;
use patchctl_protocol::location::{Location, Scope};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::lchown;
use std::path::PathBuf;

/// Writes the index files of a snapshot, and removes those of users who have no patches any more.
///
/// # Errors
/// What the file system says.
pub fn write(location: &Location, access: Access, snapshot: &Snapshot) -> io::Result<()> {
    if location.scope != Scope::Machine {
        let text = text(snapshot, |_| true);
        return files::replace(&location.index(), text.as_bytes(), 0o600, Durable::No);
    }
    let users: BTreeSet<u32> =
        snapshot.entries.iter().map(|entry| entry.owner).filter(|owner| *owner != 0).collect();
    for path in of_users(location) {
        if !users.iter().any(|uid| path == location.user_index(*uid)) {
            fs::remove_file(path)?;
        }
    }
    for uid in users {
        let text = text(snapshot, |owner| access.reaches(owner, uid));
        let give = |path: &std::path::Path| lchown(path, Some(uid), None);
        files::replace_given(&location.user_index(uid), text.as_bytes(), 0o400, Durable::No, give)?;
    }
    let text = text(snapshot, |owner| owner == 0);
    files::replace(&location.index(), text.as_bytes(), 0o644, Durable::No)
}

fn text(snapshot: &Snapshot, of_owner: impl Fn(u32) -> bool) -> String {
    Index { revision: snapshot.revision, modules: snapshot.module_names(of_owner) }.to_text()
}

/// Removes all of them.
///
/// # Errors
/// What the file system says.
pub fn remove(location: &Location) -> io::Result<()> {
    for path in of_users(location).into_iter().chain([location.index()]) {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn of_users(location: &Location) -> Vec<PathBuf> {
    let prefix = format!("{}-", patchctl_protocol::index::FILE_NAME);
    let listed = fs::read_dir(&location.runtime).into_iter().flatten().flatten();
    listed
        .filter(|item| item.file_name().to_string_lossy().starts_with(&prefix))
        .map(|item| item.path())
        .collect()
}
