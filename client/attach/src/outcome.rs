//! What an attach is asked for, and what it says of itself.

use std::path::Path;
use std::time::Duration;

/// What to attach, and how long to try.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The extension's file, as seen from here.
    pub extension: &'a Path,
    /// The daemon's folder, where it is not the usual one.
    pub home: Option<&'a str>,
    pub timeout: Duration,
    /// Also where a seccomp filter might kill the target.
    pub force: bool,
}

/// How the extension came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The interpreter's remote debugging interface.
    RemoteExec,
    /// A thread that was started in it.
    Thread,
}

impl Method {
    /// A stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RemoteExec => "remote-exec",
            Self::Thread => "thread",
        }
    }
}

/// How long threads of the target were held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pause {
    pub longest: Duration,
    pub total: Duration,
    /// How many times.
    pub holds: u32,
}

impl Pause {
    /// Notes one more.
    pub(crate) fn note(&mut self, held: Duration) {
        self.longest = self.longest.max(held);
        self.total += held;
        self.holds += 1;
    }
}

/// A process that has the extension now.
#[derive(Clone, Debug)]
pub struct Attached {
    /// As in `sys.version_info`: `3.11.7`.
    pub python: String,
    pub method: Method,
    pub pause: Pause,
}
