//! What `patchctl` asks of the daemon.

use crate::look::Place;
use serde::{Deserialize, Serialize};

/// What a client asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "client", rename_all = "kebab-case")]
pub enum Request {
    Add(AddRequest),
    Remove(ChangeRequest),
    Enable(ChangeRequest),
    Disable(ChangeRequest),
    List,
    Show {
        id: String,
    },
    Audit {
        deadline_ms: u64,
        pids: Vec<u32>,
    },
    Processes,
    History(HistoryRequest),
    Check(CheckRequest),
    /// Original and patched texts of the modules of a patch, as the linked processes run them.
    Diff {
        id: String,
        pids: Vec<u32>,
    },
    /// The code at a place, as the linked processes run it.
    Look {
        place: Place,
        pids: Vec<u32>,
        deadline_ms: u64,
    },
    Status,
    /// `patchctl off` and `on`: all patches out of all processes, and back.
    Switch {
        off: bool,
        reason: String,
    },
    Detach {
        pids: Vec<u32>,
    },
    Stop,
}

/// Adds patch files to the registry, or checks what adding them would do.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddRequest {
    pub files: Vec<NewFile>,
    pub reason: String,
    /// Seconds since the epoch at which the patches leave by themselves.
    pub expires: Option<f64>,
    pub dry_run: bool,
    /// How long to wait for the processes, in milliseconds.
    pub wait_ms: u64,
    /// Replace a patch of the same id without asking.
    pub replace: bool,
    /// Values to compute anew, as in the header's `renew`; `all` for every one that is stale.
    pub renew: Vec<String>,
    /// As in the header.
    pub clear_caches: bool,
    /// As in the header, in seconds.
    pub quiesce: Option<f64>,
    pub force: bool,
}

/// A patch file to add.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewFile {
    /// File name with its extension; its stem is the id unless `id` or the header says otherwise.
    pub name: String,
    pub id: Option<String>,
    pub content: String,
    /// Absolute path to link to instead of storing the content.
    pub link: Option<String>,
    /// Leading path components to take off file names in a diff, instead of finding out.
    pub strip: Option<u32>,
}

/// Removes, enables or disables patches.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeRequest {
    pub ids: Vec<String>,
    pub reason: String,
    pub wait_ms: u64,
    pub dry_run: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryRequest {
    /// Only entries of this patch.
    pub id: Option<String>,
    /// Newest entries, at most this many.
    pub limit: Option<u64>,
    /// Check the hash chain of the whole history.
    pub verify: bool,
}

/// What would a patch change in the process `pid`?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckRequest {
    pub file: NewFile,
    pub pid: u32,
}
