//! Why a process is not attached to, as fragments that fit after "cannot attach to process 4711: ", each
//! with the next step. Who finds what out stands in the other files.

use std::io;
use std::time::Duration;

/// A reason, after which the target is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    #[error("there is no such process")]
    NoSuchProcess,
    #[error("it has ended and waits to be reaped by its parent (zombie)")]
    Zombie,
    #[error("it is stopped (job control)")]
    Stopped { pid: i32 },
    #[error("it is already traced by process {tracer} ({name})")]
    Traced { tracer: i32, name: String },
    #[error("it runs no CPython")]
    NotPython,
    #[error("its executable exports no Python symbols or is statically linked: it can't load an extension")]
    NoSymbols,
    #[error("it is a 32-bit process")]
    ThirtyTwoBits,
    #[error("it runs CPython {version}; supported are 3.9 to 3.15")]
    UnsupportedVersion { version: String },
    #[error("it runs a free-threaded build of CPython")]
    FreeThreaded,
    #[error("it holds two Python runtimes ({first} and {second})")]
    TwoRuntimes { first: String, second: String },
    #[error("its interpreter is not initialised, or is being finalised")]
    NotInitialised,
    #[error("PATCHCTL_DISABLE is set in its environment")]
    SwitchedOff,
    #[error(
        "remote debugging is switched off in it (PYTHON_DISABLE_REMOTE_DEBUG, -X disable-remote-debug, or build)"
    )]
    RemoteDebuggingOff,
    #[error("it belongs to user {owner}, this command runs as user {own}")]
    OtherUser { owner: u32, own: u32 },
    #[error("kernel.yama.ptrace_scope is {scope}: {}", yama(*.scope))]
    Yama { scope: u8 },
    #[error(
        "same user, yet refused: it is not dumpable, has more capabilities, or lives in another user namespace"
    )]
    Undumpable,
    #[error("its seccomp mode is strict: it can make no system call that attaching needs")]
    SeccompStrict,
    #[error("it has a seccomp filter and has never started a thread: the filter might kill it for that")]
    SeccompFilter,
    #[error("it uses a shadow stack (CET), which attaching does not support")]
    ShadowStack,
    #[error("no safe moment was found in {} s (last: {last}); nothing was changed", .waited.as_secs_f32())]
    NoSafeMoment { waited: Duration, last: String },
    #[error("its interpreter did not get round to it in {} s: {held}; the request was taken back", .waited.as_secs_f32())]
    NotReached { waited: Duration, held: &'static str },
    #[error("the extension did not load in it: {message}")]
    LoadFailed { message: String },
    #[error("failed to {doing}")]
    System { doing: &'static str, source: io::Error },
    #[error("this machine's architecture is not supported, only x86_64 Linux is")]
    Architecture,
}

/// Sorts of refusals, for exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// There is nothing to attach to.
    NotFound,
    /// The system does not let this user do it.
    Denied,
    /// It can't be done with this process.
    Refused,
    /// It did not work out this time.
    Failed,
}

impl Refusal {
    /// Makes one of a failed system call.
    pub fn system(doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| match source.raw_os_error() {
            Some(libc::ESRCH) => Self::NoSuchProcess,
            _ => Self::System { doing, source },
        }
    }

    #[must_use]
    pub fn sort(&self) -> Sort {
        match self {
            Self::NoSuchProcess | Self::Zombie => Sort::NotFound,
            Self::OtherUser { .. } | Self::Yama { .. } | Self::Undumpable => Sort::Denied,
            Self::NoSafeMoment { .. }
            | Self::NotReached { .. }
            | Self::LoadFailed { .. }
            | Self::NotInitialised
            | Self::System { .. } => Sort::Failed,
            _ => Sort::Refused,
        }
    }

    /// A stable name for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchProcess => "no-such-process",
            Self::Zombie => "zombie",
            Self::Stopped { .. } => "stopped",
            Self::Traced { .. } => "traced",
            Self::NotPython => "not-python",
            Self::NoSymbols => "no-symbols",
            Self::ThirtyTwoBits => "32-bit",
            Self::UnsupportedVersion { .. } => "unsupported-python",
            Self::FreeThreaded => "free-threaded",
            Self::TwoRuntimes { .. } => "two-runtimes",
            Self::NotInitialised => "not-initialised",
            Self::SwitchedOff => "opted-out",
            Self::RemoteDebuggingOff => "remote-debugging-off",
            Self::OtherUser { .. } => "other-user",
            Self::Yama { .. } => "ptrace-scope",
            Self::Undumpable => "undumpable",
            Self::SeccompStrict => "seccomp-strict",
            Self::SeccompFilter => "seccomp-filter",
            Self::ShadowStack => "shadow-stack",
            Self::NoSafeMoment { .. } => "no-safe-moment",
            Self::NotReached { .. } => "timed-out",
            Self::LoadFailed { .. } => "load-failed",
            Self::System { .. } => "system",
            Self::Architecture => "architecture",
        }
    }

    /// The next step.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        let restart = "or restart it with the hook installed: `patchctl hook install --python PATH`";
        let one = |text: &str| vec![text.to_owned()];
        match self {
            Self::NoSuchProcess => one("`patchctl ps --all` lists the Python processes"),
            Self::Zombie | Self::NotPython | Self::TwoRuntimes { .. } | Self::Architecture => Vec::new(),
            Self::Stopped { pid } => vec![format!("continue it first: kill -CONT {pid}")],
            Self::Traced { .. } => one("end that first"),
            Self::NotInitialised => one("try again when it has started"),
            Self::SwitchedOff => one("its owner wants no patches there; unset the variable and restart it"),
            Self::RemoteDebuggingOff => one(restart),
            Self::OtherUser { owner, .. } => {
                let command =
                    format!("run it as that user or as root: sudo -u '#{owner}' patchctl attach PID");
                vec![command, restart.to_owned()]
            }
            Self::Yama { scope: 3 } => one(restart),
            Self::Yama { .. } => vec![
                "use sudo, or allow it until the next boot: sudo sysctl kernel.yama.ptrace_scope=0"
                    .to_owned(),
                format!("or give patchctl the capability: sudo setcap cap_sys_ptrace+ep {}", program()),
                restart.to_owned(),
            ],
            Self::Undumpable => vec![
                "CAP_SYS_PTRACE is needed: sudo, or `docker run --cap-add=SYS_PTRACE` in a container"
                    .to_owned(),
                restart.to_owned(),
            ],
            Self::SeccompFilter => one("--force attaches nevertheless"),
            Self::NoSafeMoment { .. } | Self::NotReached { .. } => {
                one("try again, with a longer --timeout if need be")
            }
            Self::System { .. } | Self::LoadFailed { .. } => one(restart),
            Self::NoSymbols
            | Self::ThirtyTwoBits
            | Self::UnsupportedVersion { .. }
            | Self::FreeThreaded
            | Self::SeccompStrict
            | Self::ShadowStack => Vec::new(),
        }
    }
}

fn program() -> String {
    let own = std::env::current_exe();
    own.map_or_else(|_| "$(command -v patchctl)".into(), |path| path.display().to_string())
}

/// What each value means; Documentation/admin-guide/LSM/Yama.rst of Linux.
fn yama(scope: u8) -> &'static str {
    match scope {
        1 => "only a parent process or root may attach",
        2 => "only root may attach",
        _ => "attaching is switched off until the next boot",
    }
}

/// Result of everything that may refuse.
pub type Result<T> = std::result::Result<T, Refusal>;
