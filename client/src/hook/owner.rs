//! Who put the hook into a site-packages folder: pip, this program, or nobody.

use super::files::PACKAGE;
use super::marker::Marker;
use crate::error::Result;
use serde::Serialize;
use std::fs;
use std::path::Path;

/// Name of the distribution that pip knows, as its metadata folder begins.
const DISTRIBUTION: &str = "patchctl-";

/// The owner, and the version that it put there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "owner", rename_all = "kebab-case")]
pub enum Owner {
    Pip {
        version: String,
    },
    Patchctl(Marker),
    Nobody,
    /// The package is there, with no sign of who put it there.
    Unknown,
}

impl Owner {
    /// Finds out.
    ///
    /// # Errors
    /// That the marker can't be read.
    pub fn of(site_packages: &Path) -> Result<Self> {
        if let Some(version) = pip_version(site_packages) {
            return Ok(Self::Pip { version });
        }
        match Marker::read(site_packages)? {
            Some(marker) => Ok(Self::Patchctl(marker)),
            None if site_packages.join(PACKAGE).exists() => Ok(Self::Unknown),
            None => Ok(Self::Nobody),
        }
    }
}

fn pip_version(site_packages: &Path) -> Option<String> {
    fs::read_dir(site_packages).ok()?.flatten().find_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let version = name.strip_prefix(DISTRIBUTION)?.strip_suffix(".dist-info")?;
        Some(version.to_owned())
    })
}
