//! The content store: source texts by digest, so that a process can be brought on from a text that is in
//! no file any more; and the readable copies of patched texts that tracebacks show.

use crate::files::{self, Durable};
use patchctl_planner::digest;
use patchctl_protocol::digest::Digest;
use patchctl_protocol::location::{Location, Scope};
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Texts that no daemon looked at for so long are removed at start; a process that still runs one is
/// brought back to its original first.
const KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 3600);

/// The store.
#[derive(Debug)]
pub struct Texts {
    by_digest: PathBuf,
    readable: PathBuf,
    folder_mode: u32,
    file_mode: u32,
    /// The texts used last, newest at the end.
    recent: Mutex<VecDeque<(Digest, Arc<str>)>>,
}

/// Most bytes of texts that are kept in memory.
const RECENT: usize = 1 << 20;

impl Texts {
    #[must_use]
    pub fn new(location: &Location) -> Self {
        let (folder_mode, file_mode) =
            if location.scope == Scope::Machine { (0o755, 0o644) } else { (0o700, 0o600) };
        let by_digest = location.state.join("texts");
        let readable = location.cache.join("sources");
        Self { by_digest, readable, folder_mode, file_mode, recent: Mutex::default() }
    }

    /// Removes what is too old.
    pub fn prune(&self) {
        let Some(limit) = SystemTime::now().checked_sub(KEPT_FOR) else { return };
        let old = |path: &Path| {
            fs::metadata(path).and_then(|found| found.modified()).is_ok_and(|time| time < limit)
        };
        for folder in [&self.by_digest, &self.readable] {
            let items = fs::read_dir(folder).into_iter().flatten().flatten();
            for path in items.map(|item| item.path()).filter(|path| old(path)) {
                let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            }
        }
    }

    /// Stores a text under its digest, once. On a full disk it is kept in memory for a while only.
    pub fn put(&self, wanted: &Digest, text: &str) {
        self.remember(wanted, text.into());
        let path = self.by_digest.join(wanted.hex());
        if path.exists() {
            return;
        }
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.by_digest);
        let written = made.and_then(|()| files::replace(&path, text.as_bytes(), 0o600, Durable::No));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), "failed to store a text: {error}");
        }
    }

    /// The text with this digest; `None` if it is not there or was damaged.
    #[must_use]
    pub fn get(&self, wanted: &Digest) -> Option<Arc<str>> {
        if wanted.hex().len() != 64 || !wanted.hex().bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        if let Some((_, text)) = self.recent().iter().find(|(digest, _)| digest == wanted) {
            return Some(Arc::clone(text));
        }
        let text = fs::read_to_string(self.by_digest.join(wanted.hex())).ok()?;
        let text: Arc<str> = (digest(text.as_bytes()) == *wanted).then(|| text.into())?;
        self.remember(wanted, Arc::clone(&text));
        Some(text)
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, VecDeque<(Digest, Arc<str>)>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, wanted: &Digest, text: Arc<str>) {
        let mut recent = self.recent();
        recent.retain(|(digest, _)| digest != wanted);
        recent.push_back((wanted.clone(), text));
        let mut size: usize = recent.iter().map(|(_, text)| text.len()).sum();
        while size > RECENT && recent.len() > 1 {
            size -= recent.pop_front().map_or(0, |(_, text)| text.len());
        }
    }

    /// Writes the readable copy of a patched text and returns its path.
    ///
    /// # Errors
    /// What the file system says.
    pub fn show(&self, wanted: &Digest, module: &str, is_package: bool, text: &str) -> io::Result<PathBuf> {
        let mut path = self.readable.join(wanted.short());
        path.extend(module.split('.').filter(|part| !part.is_empty() && !part.contains('/')));
        if is_package {
            path.push("__init__");
        }
        let path = PathBuf::from(format!("{}.py", path.display()));
        if path.exists() {
            return Ok(path);
        }
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(self.folder_mode).create(folder)?;
        }
        files::replace(&path, text.as_bytes(), self.file_mode, Durable::No)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::Texts;
    use patchctl_planner::digest;
    use patchctl_protocol::digest::Digest;
    use patchctl_protocol::location::Location;

    #[test]
    fn gives_back_what_was_put_and_nothing_damaged() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let texts = Texts::new(&Location::home(folder.path()));
        let key = digest(b"x = 1\n");
        assert_eq!(texts.get(&key), None);
        texts.put(&key, "x = 1\n");
        assert_eq!(texts.get(&key).as_deref(), Some("x = 1\n"));
        let texts = Texts::new(&Location::home(folder.path()));
        assert_eq!(texts.get(&key).as_deref(), Some("x = 1\n"));
        let texts = Texts::new(&Location::home(folder.path()));
        std::fs::write(folder.path().join("state/texts").join(key.hex()), "x = 2\n").expect("damages");
        assert_eq!(texts.get(&key), None);
        assert_eq!(texts.get(&Digest("../../etc/passwd".into())), None);
    }

    #[test]
    fn shows_a_text_under_its_modules_name() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let texts = Texts::new(&Location::home(folder.path()));
        let key = digest(b"x = 1\n");
        let path = texts.show(&key, "pkg.mod", false, "x = 1\n").expect("writes");
        assert!(path.ends_with(format!("{}/pkg/mod.py", key.short())), "{path:?}");
        let path = texts.show(&key, "pkg", true, "x = 1\n").expect("writes");
        assert!(path.ends_with("pkg/__init__.py"), "{path:?}");
        assert_eq!(std::fs::read_to_string(path).expect("reads"), "x = 1\n");
    }
}
