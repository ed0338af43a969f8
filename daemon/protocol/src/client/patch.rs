//! A registered patch, as clients are told of it.

use crate::digest::Digest;
use serde::{Deserialize, Serialize};

/// A registered patch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PatchInfo {
    pub id: String,
    pub digest: Digest,
    pub kind: PatchKind,
    pub file: String,
    pub link: Option<String>,
    pub enabled: bool,
    /// Its time (`expires`) has passed.
    #[serde(default)]
    pub expired: bool,
    /// Name of the trusted key that signed it.
    #[serde(default)]
    pub signed_by: Option<String>,
    /// Its file does not parse any more; the last good version is active.
    pub broken: Option<String>,
    pub modules: Vec<String>,
    pub header: HeaderInfo,
    /// Who added it (uid) and when (seconds since the epoch).
    pub added_by: Option<u32>,
    pub added_at: Option<f64>,
    /// Files of a diff that are no code: tests, docs, changelogs.
    pub passed_over: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PatchKind {
    Diff,
    Python,
    Edits,
}

/// A patch's header, as far as people ask for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeaderInfo {
    pub requires: Vec<String>,
    pub python: Option<String>,
    pub reason: Option<String>,
    pub cve: Option<String>,
    pub author: Option<String>,
    pub url: Option<String>,
    /// Seconds since the epoch.
    pub expires: Option<f64>,
    pub order: i64,
    pub replaces: Vec<String>,
    pub needs: Vec<String>,
    pub renew: Vec<String>,
    pub clear_caches: bool,
    pub quiesce: Option<f64>,
    pub force: bool,
}
