//! The marker file beside a hook that was installed without pip: what was put there, with digests, so
//! that exactly that is taken out again.

use super::files::replace;
use crate::error::{Error, Kind, Result};
use patchctl_protocol::digest::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Name of the marker in site-packages.
pub const FILE_NAME: &str = "patchctl_hook.installed.json";

/// The marker's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Version of the hook.
    pub version: String,
    /// Path relative to site-packages, to the digest of what was written.
    pub files: BTreeMap<String, Digest>,
}

impl Marker {
    /// Reads the marker of a site-packages folder; `None` where there is none.
    ///
    /// # Errors
    /// That it is there and can't be read.
    pub fn read(site_packages: &Path) -> Result<Option<Self>> {
        let path = site_packages.join(FILE_NAME);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("read", &path, &error)),
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            Error::new(Kind::Failed, format!("{} is damaged", path.display()))
                .cause(error)
                .hint("`patchctl hook install` writes it anew")
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// That the folder can't be written.
    pub fn write(&self, site_packages: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::new(Kind::Failed, "failed to write the marker").cause(error))?;
        replace(&site_packages.join(FILE_NAME), text.as_bytes())
    }

    /// Files that are not what was written, and files that are gone.
    #[must_use]
    pub fn altered(&self, site_packages: &Path) -> Vec<PathBuf> {
        let is_altered = |(name, digest): (&String, &Digest)| {
            let path = site_packages.join(name);
            (digest_of(&path).as_ref() != Some(digest)).then_some(path)
        };
        self.files.iter().filter_map(is_altered).collect()
    }
}

/// Digest of a file; `None` if it can't be read.
pub fn digest_of(path: &Path) -> Option<Digest> {
    fs::read(path).ok().map(|content| patchctl_planner::digest(&content))
}
