//! What the daemon answers `patchctl`.

use super::history::{HistoryEntry, Verified};
use super::module::{CheckedModule, ModuleTexts};
use super::patch::PatchInfo;
use super::process::{AuditReply, Changed, LookReply, ProcessInfo, ProcessOutcome};
use crate::location::Scope;
use crate::state::Reason;
use serde::{Deserialize, Serialize};

/// What the daemon answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// One process answered while the client waits.
    Progress(ProcessOutcome),
    Changed(Changed),
    Patches {
        patches: Vec<PatchInfo>,
    },
    Patch {
        patch: Box<PatchInfo>,
        content: String,
    },
    Audit(AuditReply),
    Processes {
        processes: Vec<ProcessInfo>,
    },
    History {
        entries: Vec<HistoryEntry>,
        verified: Option<Verified>,
    },
    Checked {
        modules: Vec<CheckedModule>,
    },
    Diff {
        modules: Vec<ModuleTexts>,
    },
    Look(LookReply),
    Status(Status),
    Done,
    Error(ErrorReply),
}

/// Why a request was refused: a sentence, and hints on what to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorReply {
    pub kind: ErrorKind,
    pub message: String,
    pub hints: Vec<String>,
    pub reason: Option<Reason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The request names something that does not exist.
    NotFound,
    /// The request or a file in it is malformed.
    Invalid,
    /// It exists already, or conflicts with what exists.
    Conflict,
    /// The peer may not do this.
    Denied,
    /// The daemon failed.
    Internal,
}

/// The daemon's own state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub protocol: u32,
    pub pid: u32,
    pub scope: Scope,
    pub socket: String,
    pub patches_folder: String,
    pub state_folder: String,
    pub revision: u64,
    pub patches: u64,
    pub processes: u64,
    /// Seconds since the epoch.
    pub started_at: f64,
    pub off: bool,
    /// Resident memory in bytes.
    pub memory: u64,
    /// What does not work at present, such as a history that can't be written.
    #[serde(default)]
    pub problems: Vec<String>,
}
