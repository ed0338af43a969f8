//! Messages between `patchctl` and the daemon: one request, any number of [`Reply::Progress`], then one
//! last reply, on one connection. Who asks is taken from the socket's peer credentials.

use crate::digest::Digest;
use crate::hook::{PatchReport, Report, StateReply};
use crate::look::{Place, Seen};
use crate::plan::{PatchRef, Plan};
use crate::state::{Reason, Refusal, State};
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

/// Outcome of add, remove, enable, disable and the switch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Changed {
    pub revision: u64,
    pub patches: Vec<PatchInfo>,
    pub processes: Vec<ProcessOutcome>,
    /// Things to know that are no error: files of the diff that were passed over, a near miss.
    pub notes: Vec<String>,
}

/// One patch in one process, after a change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProcessOutcome {
    pub process: ProcessInfo,
    pub patch: PatchRef,
    /// `None`: the patch is out of the process.
    pub state: Option<State>,
    pub refusal: Option<Refusal>,
    pub functions: u32,
    /// Names of values that stayed behind, with file line.
    pub stale: Vec<crate::plan::Stale>,
    /// As in [`PatchReport`].
    #[serde(default)]
    pub forced: Option<String>,
    pub pause_us: u64,
}

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

/// A linked process. Its identity is pid and start time together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessInfo {
    pub pid: u32,
    /// Start time in clock ticks since boot, field 22 of `/proc/PID/stat`.
    pub started: u64,
    pub uid: u32,
    pub python: String,
    pub prefix: String,
    pub executable: String,
    pub command: Vec<String>,
    /// When the link was made: seconds since the epoch.
    pub linked_at: f64,
    pub attached: bool,
    /// Revision that it has reported.
    pub revision: u64,
    pub refusal: Option<Refusal>,
}

/// Answer to an audit: what each linked process read from its live functions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AuditReply {
    pub revision: u64,
    pub processes: Vec<AuditedProcess>,
    /// Every enabled patch, so that one without any process shows too.
    pub patches: Vec<PatchInfo>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditedProcess {
    pub process: ProcessInfo,
    /// It did answer within the deadline.
    pub answered: bool,
    pub patches: Vec<PatchReport>,
    pub disabled: Option<String>,
    /// See [`Report`](crate::hook::Report).
    #[serde(default)]
    pub subinterpreters: bool,
}

impl AuditedProcess {
    /// One that did not answer.
    #[must_use]
    pub fn unanswered(process: ProcessInfo) -> Self {
        Self { process, answered: false, patches: Vec::new(), disabled: None, subinterpreters: false }
    }

    /// From a hook's answer.
    #[must_use]
    pub fn answered(process: ProcessInfo, reply: StateReply) -> Self {
        let StateReply { report, .. } = reply;
        let Report { patches, disabled, subinterpreters, .. } = report;
        Self { process, answered: true, patches, disabled, subinterpreters }
    }
}

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

/// One module of a checked patch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedModule {
    pub module: String,
    pub file: Option<String>,
    pub refusal: Option<Refusal>,
    /// How each hunk was placed, near misses, files passed over.
    pub notes: Vec<String>,
    pub plan: Option<Plan>,
}

/// Texts of one module, for `diff`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModuleTexts {
    pub module: String,
    pub file: Option<String>,
    pub original: String,
    pub patched: String,
    /// Processes that run this text.
    pub pids: Vec<u32>,
}

/// What the linked processes run at a place.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LookReply {
    pub processes: Vec<LookedProcess>,
    /// Texts of the module, for the processes where the daemon knows them.
    pub texts: Vec<ModuleTexts>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LookedProcess {
    pub process: ProcessInfo,
    /// `None`: it did not answer within the deadline.
    pub seen: Option<Seen>,
}

/// The daemon's own state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub protocol: u32,
    pub pid: u32,
    pub scope: crate::location::Scope,
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
