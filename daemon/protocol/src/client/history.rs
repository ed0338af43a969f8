//! The history, as clients are told of it.

use crate::digest::Digest;
use serde::{Deserialize, Serialize};

/// One entry of the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub number: i64,
    /// Seconds since the epoch.
    pub time: f64,
    /// `add`, `change`, `remove`, `enable`, `disable`, `expire`, `broken`, `apply`, `unapply`, `skip`, `fail`, `off`, `on`, ...
    pub event: String,
    pub patch: Option<String>,
    pub digest: Option<Digest>,
    pub uid: Option<u32>,
    pub pid: Option<u32>,
    pub command: Option<String>,
    pub reason: Option<String>,
    pub detail: Option<String>,
    /// Hash over this entry and the one before.
    pub chain: String,
}

/// Result of checking the history's hash chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    pub entries: u64,
    /// Number of the first entry that does not fit, and what is wrong with it.
    pub broken: Option<(i64, String)>,
}
