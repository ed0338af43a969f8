//! Versions of installed distributions, from the names of `*.dist-info` and `*.egg-info` in the folders of
//! a process's `sys.path`. Listings are kept as long as a folder's time of change stays.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Most folders whose listing is kept.
const MOST_FOLDERS: usize = 256;

type Time = (i64, i64);
/// Normalised name to version.
type Listing = Arc<HashMap<String, String>>;

/// The listings seen so far.
#[derive(Debug, Default)]
pub struct Distributions {
    folders: Mutex<HashMap<PathBuf, (Time, Listing)>>,
}

impl Distributions {
    /// Version of the distribution `name` (normalised, PEP 503) in the first folder that has it.
    #[must_use]
    pub fn version_of(&self, name: &str, folders: &[PathBuf]) -> Option<String> {
        folders.iter().find_map(|folder| self.listing(folder)?.get(name).cloned())
    }

    fn listing(&self, folder: &Path) -> Option<Listing> {
        let found = fs::metadata(folder).ok().filter(fs::Metadata::is_dir)?;
        let time = (found.mtime(), found.mtime_nsec());
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, listing)) = folders.get(folder).filter(|(seen, _)| *seen == time) {
            return Some(Arc::clone(listing));
        }
        let listing = Arc::new(list(folder));
        if folders.len() >= MOST_FOLDERS {
            folders.clear();
        }
        folders.insert(folder.to_owned(), (time, Arc::clone(&listing)));
        Some(listing)
    }
}

fn list(folder: &Path) -> HashMap<String, String> {
    let items = fs::read_dir(folder).into_iter().flatten().flatten();
    items.filter_map(|item| distribution(&item.path())).collect()
}

/// Name and version by a metadata folder's (or file's) name, else by what stands in it.
fn distribution(path: &Path) -> Option<(String, String)> {
    let file = path.file_name()?.to_str()?;
    let stem = file.strip_suffix(".dist-info").or_else(|| file.strip_suffix(".egg-info"))?;
    let mut parts = stem.split('-');
    let name = parts.next()?;
    match parts.next() {
        Some(version) => Some((normal(name), version.to_owned())),
        None => Some((normal(name), version_inside(path)?)),
    }
}

/// `pip install -e` and `setup.py develop` leave a folder without a version in its name.
fn version_inside(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path.join("PKG-INFO")).or_else(|_| fs::read_to_string(path)).ok()?;
    let head = text.lines().take_while(|line| !line.is_empty());
    head.filter_map(|line| line.strip_prefix("Version:")).next().map(|version| version.trim().to_owned())
}

/// PEP 503: lower case, runs of `-`, `_` and `.` as one `-`.
fn normal(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::Distributions;
    use std::fs;

    #[test]
    fn reads_names_and_follows_changes() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().to_owned();
        for name in ["urllib3-1.26.16.dist-info", "Zope.Interface_X-5.0-py3.8.egg-info", "mine.egg-info"] {
            fs::create_dir(path.join(name)).expect("makes");
        }
        fs::write(path.join("mine.egg-info/PKG-INFO"), "Name: mine\nVersion: 0.3\n\nText\n").expect("writes");
        let distributions = Distributions::default();
        let folders = [path.join("absent"), path.clone()];
        let version = |name: &str| distributions.version_of(name, &folders);
        assert_eq!(version("urllib3").as_deref(), Some("1.26.16"));
        assert_eq!(version("zope-interface-x").as_deref(), Some("5.0"));
        assert_eq!(version("mine").as_deref(), Some("0.3"));
        assert_eq!(version("absent"), None);
        fs::rename(path.join("urllib3-1.26.16.dist-info"), path.join("urllib3-2.0.7.dist-info"))
            .expect("renames");
        assert_eq!(version("urllib3").as_deref(), Some("2.0.7"));
    }
}
