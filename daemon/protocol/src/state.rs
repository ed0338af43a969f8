//! States of a patch in a process, and the stable reason codes of skips and failures.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a patch, or one function of it, is in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The patched code is what new calls run.
    Active,
    /// Active for new calls; some frame, generator or coroutine still runs the old code.
    Draining,
    /// The module is not imported yet; it will be patched when it is. With the reason `in-use`: it will be when
    /// no call of its functions is under way; with `not-defined`: when the script's body has come to them.
    Waiting,
    /// Not applied, on purpose; the reason says why.
    Skipped,
    /// Could not be applied; the process was left as it was.
    Failed,
    /// Was applied, and someone else changed the function after us.
    Drifted,
    /// The process did not answer within the deadline.
    Unanswered,
}

/// Why a patch was skipped or failed. The codes are stable: scripts may match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    VersionMismatch,
    PythonMismatch,
    FingerprintMismatch,
    HunkConflict,
    EditMismatch,
    TargetNotFound,
    NotPythonCode,
    SyntaxError,
    KindChanged,
    VerifyFailed,
    AlreadyApplied,
    UnsupportedPython,
    UnsupportedChange,
    OptedOut,
    NeedsSource,
    Conflict,
    Expired,
    Disabled,
    OtherProcess,
    TimedOut,
    InUse,
    NotDefined,
    Raised,
    Internal,
}

impl Reason {
    /// The code as it stands in JSON and tables, such as `hunk-conflict`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::VersionMismatch => "version-mismatch",
            Self::PythonMismatch => "python-mismatch",
            Self::FingerprintMismatch => "fingerprint-mismatch",
            Self::HunkConflict => "hunk-conflict",
            Self::EditMismatch => "edit-mismatch",
            Self::TargetNotFound => "target-not-found",
            Self::NotPythonCode => "not-python-code",
            Self::SyntaxError => "syntax-error",
            Self::KindChanged => "kind-changed",
            Self::VerifyFailed => "verify-failed",
            Self::AlreadyApplied => "already-applied",
            Self::UnsupportedPython => "unsupported-python",
            Self::UnsupportedChange => "unsupported-change",
            Self::OptedOut => "opted-out",
            Self::NeedsSource => "needs-source",
            Self::Conflict => "conflict",
            Self::Expired => "expired",
            Self::Disabled => "disabled",
            Self::OtherProcess => "other-process",
            Self::TimedOut => "timed-out",
            Self::InUse => "in-use",
            Self::NotDefined => "not-defined",
            Self::Raised => "raised",
            Self::Internal => "internal",
        }
    }

    /// One sentence that says what to do next.
    #[must_use]
    pub fn next_step(self) -> &'static str {
        match self {
            Self::VersionMismatch => {
                "Nothing to do if the installed release has the fix; else widen `requires` in the patch's header."
            }
            Self::PythonMismatch => {
                "Widen `python` in the patch's header if the patch is meant for this Python."
            }
            Self::FingerprintMismatch => {
                "The running code is not the code the patch was written for: make the patch against this release."
            }
            Self::HunkConflict => {
                "The patch does not fit this source: make it against the installed release (`patchctl check FILE --python PATH` shows where)."
            }
            Self::EditMismatch => {
                "The edit does not fit this code, or could mean several places: say which with `line`, `nth` or `all`."
            }
            Self::TargetNotFound => {
                "Check the names in the patch; `patchctl check FILE --python PATH` lists near misses."
            }
            Self::NotPythonCode => "Code in C or another language can't be patched; patch its Python caller.",
            Self::SyntaxError => "Correct the patch at the place named; the last good version stays active.",
            Self::KindChanged => {
                "A function can't become a generator or coroutine while it is held elsewhere: restart the process to take this change over, or leave its hunk out of the patch."
            }
            Self::VerifyFailed => {
                "The new code object was refused as unsafe; please report this with `patchctl show ID`."
            }
            Self::AlreadyApplied => "The target has the fix: remove the patch.",
            Self::UnsupportedPython => {
                "This interpreter can't be patched live; the application runs unpatched."
            }
            Self::UnsupportedChange => {
                "This kind of change can't be brought into a running process: restart it, and the patch applies at import; or leave the hunk of the definition named out of the patch, whose other hunks work without it."
            }
            Self::OptedOut => {
                "The process switched patches off (PATCHCTL_DISABLE); unset it and restart the process."
            }
            Self::NeedsSource => {
                "A diff needs the module's source; write the patch as Python (`.py`) for code without source."
            }
            Self::Conflict => {
                "Two patches change the same lines: make one against the other (`needs`), or say which `replaces` which."
            }
            Self::Expired => "Add the patch again with a later `expires` if it is still wanted.",
            Self::Disabled => "`patchctl enable ID` brings it back.",
            Self::OtherProcess => "The patch's `processes` does not name this process.",
            Self::TimedOut => {
                "The process did not answer in time; it is told again when it does (`patchctl audit` shows it)."
            }
            Self::InUse => {
                "Calls of the functions were under way all the time: add it again with a longer `--quiesce`, without it (new calls get the new code), or with `--force`."
            }
            Self::NotDefined => {
                "Nothing to do: it goes in as soon as the script's body has come to what it changes."
            }
            Self::Raised => {
                "A statement of the patch raised this in the process, which is as it was: correct the patch."
            }
            Self::Internal => {
                "This is a fault of patchctl; originals are in place. Please report it with `patchctl daemon logs`."
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Waiting => "waiting",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Drifted => "drifted",
            Self::Unanswered => "unanswered",
        })
    }
}

/// A reason together with the particulars of this place, such as the hunk and the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    pub reason: Reason,
    /// Lower-case fragment: what was found, where, and what was expected.
    pub detail: String,
}

impl Refusal {
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}
