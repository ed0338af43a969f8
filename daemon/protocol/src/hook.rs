//! Messages between the hook of one process (its *link*) and the daemon.
//!
//! The daemon sends the desired state with a revision, never deltas: which modules have patches, each
//! with a digest of its ordered patch set. The hook compares, asks for the plans of loaded modules whose
//! digest changed, carries them out, and reports. An import asks in the same way, on a connection of its
//! own, and waits with a deadline.

use crate::digest::Digest;
use crate::look::{Place, Seen};
use crate::plan::{Manner, PatchRef, Plan, Stale};
use crate::state::{Refusal, State};
use serde::{Deserialize, Serialize};

/// What a hook says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "hook", rename_all = "kebab-case")]
pub enum FromHook {
    /// First message of a link; the daemon answers with [`ToHook::Desired`].
    Hello(Hello),
    /// First and only message of an import's own connection, or any time on a link.
    Plan(PlanRequest),
    /// What became of a revision in this process; sent after each reconcile and import.
    Report(Report),
    /// Answer to [`ToHook::Audit`]: read from the live functions.
    State(StateReply),
    /// Answer to [`ToHook::Look`].
    Seen(SeenReply),
    /// Answer to [`ToHook::Try`].
    Tried(TriedReply),
}

/// What the daemon says to a hook.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "daemon", rename_all = "kebab-case")]
pub enum ToHook {
    Desired(Desired),
    Plans(PlanReply),
    Audit {
        request: u64,
    },
    /// Asks for the code at a place.
    Look {
        request: u64,
        place: Place,
    },
    /// Asks whether a module's plan could be carried out, of which nothing is stored.
    Try {
        request: u64,
        module: Box<ModulePlan>,
    },
    /// Take all patches out, close the link, stay loaded and idle.
    Detach,
    /// The daemon can't serve this hook; the hook stays idle and tries again later.
    Refused {
        message: String,
    },
}

/// Who a process is. The daemon takes pid and uid from the socket's peer credentials, and the command
/// line and start time from the operating system, never from here.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Hello {
    pub protocol: u32,
    /// As in `sys.version_info`: `3.11.7`.
    pub python: String,
    /// `sys.implementation.name`.
    pub implementation: String,
    pub free_threaded: bool,
    /// `sys.prefix` and `sys.executable`.
    pub prefix: String,
    pub executable: String,
    /// Whether it was attached to while it ran, instead of started with the hook.
    pub attached: bool,
    /// Why this process takes no patches (unsupported interpreter, switched off), if so.
    pub refusal: Option<Refusal>,
    /// `sys.path`, for guards on installed distributions.
    pub search_path: Vec<String>,
}

/// The desired state of one process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    pub revision: u64,
    /// Sorted by name.
    pub modules: Vec<DesiredModule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredModule {
    pub name: String,
    /// Digest of the ordered set of patches (id and content) for this module.
    pub digest: Digest,
}

/// Asks for the plans of some modules, together: a patch over several modules is all or nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanRequest {
    /// Chosen by the hook, repeated in the reply.
    pub request: u64,
    pub phase: Phase,
    pub modules: Vec<ModuleFacts>,
    /// Ids of patches that failed in this process at this content: plan without them.
    pub excluded: Vec<PatchRef>,
    /// For an import's own connection, where no hello was said.
    pub hello: Option<Hello>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    Import,
    Live,
}

/// What the hook knows of a module.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModuleFacts {
    /// Name under which patches know it (the real name of a module that runs as `__main__`).
    pub name: String,
    /// File of the source (`__file__`, or the spec's origin), absent for modules without one.
    pub origin: Option<String>,
    /// What kind of code it holds.
    pub loader: LoaderKind,
    /// Source text, sent only after the daemon said [`Outcome::NeedsSource`].
    pub source: Option<String>,
    /// Digest of the original text, if an earlier plan told it.
    pub original: Option<Digest>,
    /// Digest of its base, the text that its untouched objects come from, if that is not the original: it
    /// was imported with patches. Plans start from there.
    pub running: Option<Digest>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoaderKind {
    #[default]
    Source,
    /// A `.pyc` without its source.
    Sourceless,
    Zip,
    Frozen,
    /// A C extension or a module built into the interpreter.
    Native,
    Other,
}

/// Answer to a [`PlanRequest`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanReply {
    pub request: u64,
    pub revision: u64,
    pub modules: Vec<ModulePlan>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModulePlan {
    pub name: String,
    /// Digest of the patch set that it was planned for, as in [`DesiredModule`]; empty without patches.
    #[serde(default)]
    pub digest: Digest,
    /// The patches that the plan's target holds, in order.
    pub applied: Vec<PatchRef>,
    /// The patches for this module that it does not hold, each with its reason.
    pub skipped: Vec<Skipped>,
    /// How those that are applied are brought in, where that is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manners: Vec<Manner>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Skipped {
    pub patch: PatchRef,
    pub state: State,
    pub refusal: Refusal,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The target is the base: put back what was replaced, if anything was.
    Unchanged,
    Plan(Box<Plan>),
    /// The daemon can't read the source: send it ([`ModuleFacts::source`]).
    NeedsSource,
    /// The base text is unknown here (its store was lost): nothing can be planned from it, the module keeps
    /// what it has until the process restarts.
    Restore,
}

/// What became of the desired state in a process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    pub revision: u64,
    /// One for each patch of which a module is loaded; all of them, not only those that changed. A patch
    /// that concerns the process and is not named here is waiting for its module.
    pub patches: Vec<PatchReport>,
    /// Longest time that the GIL was held in one piece for this reconcile, in microseconds.
    pub pause_us: u64,
    /// An internal error disabled the hook in this process; originals are in place.
    pub disabled: Option<String>,
    /// The process has other interpreters beside its main one; they run as they are.
    #[serde(default)]
    pub subinterpreters: bool,
    /// What patches that are gone left behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Left>,
}

/// What a patch with which a module was imported left behind in it when it was taken out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Left {
    pub patch: PatchRef,
    pub module: String,
    pub stale: Vec<Stale>,
}

/// A patch in one process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PatchReport {
    pub patch: PatchRef,
    pub state: State,
    pub refusal: Option<Refusal>,
    /// When it became active here: seconds since the epoch.
    pub since: Option<f64>,
    /// Whose calls of the old code were under way when it was put in by force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forced: Option<String>,
    pub modules: Vec<ModuleReport>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModuleReport {
    pub name: String,
    pub state: State,
    pub functions: Vec<FunctionReport>,
    pub stale: Vec<Stale>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionReport {
    /// Qualname of a function, or dotted name of a module or class attribute.
    pub name: String,
    pub state: State,
    /// How many live function objects run the new code; 0 for attributes.
    pub holders: u32,
    /// Where old code still runs, who changed it, and the like.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Answer to an audit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StateReply {
    pub request: u64,
    pub report: Report,
}

/// Answer to a look.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeenReply {
    pub request: u64,
    pub seen: Seen,
}

/// Answer to a trial: why the plan can't be carried out, if so.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TriedReply {
    pub request: u64,
    /// The patches that it fails for; none named: for all of them.
    pub patches: Vec<String>,
    pub refusal: Option<Refusal>,
}

impl PatchReport {
    /// A report of a patch of which nothing more is known than its state.
    #[must_use]
    pub fn empty(patch: &PatchRef, state: State) -> Self {
        Self { patch: patch.clone(), state, refusal: None, since: None, forced: None, modules: Vec::new() }
    }
}
