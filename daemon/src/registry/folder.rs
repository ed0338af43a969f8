//! The patch folder, the one source of patches there is so far: lists and parses its files, writes,
//! renames and removes them. What the patches mean to whom is not known here.

use super::file::{self, Opened, Stamp};
use super::naming;
use super::trust::Trust;
use crate::access::Access;
use crate::files::{self, Durable};
use patchctl_planner::{Patch, digest, parse};
use patchctl_protocol::digest::Digest;
use patchctl_protocol::location::Location;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most patches that there may be.
pub const MOST_PATCHES: usize = 4096;
/// Most patch files that are looked at; what is behind is not even named.
const MOST_FILES: usize = 4 * MOST_PATCHES;

/// A patch file as it was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub file: String,
    /// The id, if the file can't be read: its stem.
    pub stem: String,
    pub disabled: bool,
    pub owner: u32,
    pub link: Option<PathBuf>,
    /// Digest of the content; empty if not even that could be read.
    pub digest: Digest,
    /// Name of the key that signed it, if that is a trusted one.
    pub signed_by: Option<String>,
    pub patch: Result<Arc<Patch>, String>,
}

/// The folder, and what was found there last.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Content of each patch that was accepted, by digest: for going back to the last good version.
    kept: PathBuf,
    access: Access,
    seen: BTreeMap<String, (Stamp, Found)>,
    /// Names were changed and are not yet known to be on the disk.
    unsynced: bool,
    pub trust: Trust,
    /// The last scan was the first one after other signatures began to count.
    pub trust_changed: bool,
}

impl Folder {
    #[must_use]
    pub fn new(location: &Location, access: Access) -> Self {
        Self {
            path: location.patches.clone(),
            kept: location.state.join("patches"),
            access,
            seen: BTreeMap::new(),
            unsynced: false,
            trust: Trust::new(location, access),
            trust_changed: false,
        }
    }

    /// Path of a file of the folder.
    #[must_use]
    pub fn path_of(&self, file: &str) -> PathBuf {
        self.path.join(file)
    }

    /// Everything that is there now, by file name. Files that did not change are not read again, unless other
    /// signatures count than before.
    pub fn scan(&mut self) -> Vec<Found> {
        let mut before = std::mem::take(&mut self.seen);
        self.trust_changed = self.trust.refresh();
        if self.trust_changed {
            before.clear();
        }
        for (index, name) in self.names().into_iter().enumerate() {
            let path = self.path.join(&name);
            let Some(stamp) = Stamp::of(&path) else { continue };
            let shown = shown(&name);
            let seen = match before.get(&shown) {
                _ if index >= MOST_PATCHES => {
                    self.unread(&shown, &format!("there are more than {MOST_PATCHES} patch files"))
                }
                Some((old, found)) if *old == stamp => found.clone(),
                _ if name.to_str().is_none() => self.unread(&shown, "its name is not UTF-8, rename it"),
                _ => self.load(&shown, &path),
            };
            self.seen.insert(shown, (stamp, seen));
        }
        self.seen.values().map(|(_, found)| found.clone()).collect()
    }

    fn names(&self) -> Vec<OsString> {
        let listed = match fs::read_dir(&self.path) {
            Ok(listed) => listed,
            Err(error) => {
                tracing::warn!(path = %self.path.display(), "failed to list the patch folder: {error}");
                return Vec::new();
            }
        };
        let names = listed.filter_map(|item| Some(item.ok()?.file_name()));
        let names = names.filter(|name| naming::patch_file(&shown(name)).is_some());
        let mut names: Vec<OsString> = names.take(MOST_FILES).collect();
        names.sort_unstable();
        names
    }

    /// A file that is not even read.
    fn unread(&self, name: &str, why: &str) -> Found {
        let fault = format!("{}: {why}", self.path.join(name).display());
        found(
            name,
            Opened { owner: self.access.uid, link: None, content: Err(fault) },
            |_| Err(String::new()),
        )
    }

    fn load(&mut self, name: &str, path: &Path) -> Found {
        let plain = naming::patch_file(name).map_or(name, |parts| parts.plain);
        found(name, file::read(path, self.access), |content| {
            let patch = parse(plain, &content, None).map_err(|error| error.to_string())?;
            naming::check_id(&patch.id)?;
            let signed_by =
                self.trust.judge(&patch.id, &content).map_err(|fault| format!("{name}: {fault}"))?;
            self.keep(&patch.digest, &content);
            Ok((Arc::new(patch), signed_by))
        })
    }

    fn keep(&self, digest: &Digest, content: &[u8]) {
        let path = self.kept.join(digest.hex());
        let made = if path.exists() { Ok(()) } else { fs::create_dir_all(&self.kept) };
        let kept = made.and_then(|()| {
            if path.exists() { Ok(()) } else { files::replace(&path, content, 0o600, Durable::No) }
        });
        if let Err(error) = kept {
            tracing::warn!(path = %path.display(), "failed to keep a patch's content: {error}");
        }
    }

    /// An accepted content of before, parsed again.
    #[must_use]
    pub fn kept(&self, file: &str, wanted: &Digest) -> Option<Arc<Patch>> {
        let name = naming::patch_file(file)?;
        let content = fs::read(self.kept.join(wanted.hex())).ok()?;
        let patch = parse(name.plain, &content, None).ok()?;
        let is_good = patch.digest == *wanted && self.trust.vouch(&patch.id, &content).is_ok();
        is_good.then(|| Arc::new(patch))
    }

    /// Writes a patch file, giving it to `owner`. Its content is on the disk before it takes its name.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&mut self, file: &str, content: &[u8], owner: u32) -> io::Result<()> {
        let path = self.path.join(file);
        files::replace_given(&path, content, 0o600, Durable::Yes, |temporary| self.give(temporary, owner))?;
        self.unsynced = true;
        Ok(())
    }

    /// Makes a link to a file, in the place of what was there.
    ///
    /// # Errors
    /// What the file system says.
    pub fn link(&mut self, file: &str, target: &Path, owner: u32) -> io::Result<()> {
        let path = self.path.join(file);
        let temporary = files::temporary_beside(&path);
        std::os::unix::fs::symlink(target, &temporary)?;
        if let Err(error) = self.give(&temporary, owner).and_then(|()| fs::rename(&temporary, &path)) {
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        self.unsynced = true;
        Ok(())
    }

    /// # Errors
    /// What the file system says.
    pub fn remove(&mut self, file: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(file))?;
        self.unsynced = true;
        Ok(())
    }

    /// # Errors
    /// What the file system says.
    pub fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))?;
        self.unsynced = true;
        Ok(())
    }

    /// Brings the names that were changed since the last time to the disk.
    ///
    /// # Errors
    /// What the file system says.
    pub fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.unsynced) {
            fs::File::open(&self.path)?.sync_all()?;
        }
        Ok(())
    }

    fn give(&self, path: &Path, owner: u32) -> io::Result<()> {
        if owner == self.access.uid { Ok(()) } else { lchown(path, Some(owner), None) }
    }
}

/// A file's name as text; bytes that are none are escaped.
fn shown(name: &OsStr) -> String {
    name.to_str().map_or_else(|| name.as_bytes().escape_ascii().to_string(), str::to_owned)
}

/// What a file came to, given how its content is parsed.
fn found(
    name: &str,
    opened: Opened,
    parse: impl FnOnce(Vec<u8>) -> Result<(Arc<Patch>, Option<String>), String>,
) -> Found {
    let parts = naming::patch_file(name).unwrap_or(naming::Name { plain: name, stem: name, disabled: false });
    let digest = opened.content.as_ref().map(|content| digest(content)).unwrap_or_default();
    let (patch, signed_by) = match opened.content.and_then(parse) {
        Ok((patch, signed_by)) => (Ok(patch), signed_by),
        Err(fault) => (Err(fault), None),
    };
    Found {
        file: name.to_owned(),
        stem: parts.stem.to_owned(),
        disabled: parts.disabled,
        owner: opened.owner,
        digest,
        link: opened.link,
        signed_by,
        patch,
    }
}
