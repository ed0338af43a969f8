//! Linked processes, as clients are told of them: what a change did there, and what they say themselves.

use super::module::ModuleTexts;
use super::patch::PatchInfo;
use crate::hook::{Left, PatchReport, Report, StateReply};
use crate::look::Seen;
use crate::plan::{PatchRef, Stale};
use crate::state::{Refusal, State};
use serde::{Deserialize, Serialize};

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
    pub stale: Vec<Stale>,
    /// As in [`PatchReport`].
    #[serde(default)]
    pub forced: Option<String>,
    pub pause_us: u64,
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
    /// See [`Report`].
    #[serde(default)]
    pub subinterpreters: bool,
    /// See [`Report`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Left>,
}

impl AuditedProcess {
    /// One that did not answer.
    #[must_use]
    pub fn unanswered(process: ProcessInfo) -> Self {
        let (patches, left) = (Vec::new(), Vec::new());
        Self { process, answered: false, patches, disabled: None, subinterpreters: false, left }
    }

    /// From a hook's answer.
    #[must_use]
    pub fn answered(process: ProcessInfo, reply: StateReply) -> Self {
        let StateReply { report, .. } = reply;
        let Report { patches, disabled, subinterpreters, left, .. } = report;
        Self { process, answered: true, patches, disabled, subinterpreters, left }
    }
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
