//! Errors as a person sees them: what happened, its causes, and hints on the next step. How they are
//! printed stands in [`crate::output`], which number they end with in [`crate::exit`].

use crate::exit::Exit;
use patchctl_protocol::client::{ErrorKind, ErrorReply};
use patchctl_protocol::state::Reason;
use serde::Serialize;
use std::fmt;
use std::io;
use std::path::Path;

/// The sort of an error; each has its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Failed,
    Usage,
    Refused,
    Unreachable,
    NotFound,
    Malformed,
    Denied,
    /// The reader of our output went away: no error for a person.
    ClosedPipe,
}

impl Kind {
    /// The exit code of this sort.
    #[must_use]
    pub fn exit(self) -> Exit {
        match self {
            Self::Failed => Exit::Failed,
            Self::Usage => Exit::Usage,
            Self::Refused => Exit::Refused,
            Self::Unreachable => Exit::Unreachable,
            Self::NotFound => Exit::NotFound,
            Self::Malformed => Exit::Malformed,
            Self::Denied => Exit::Denied,
            Self::ClosedPipe => Exit::Ok,
        }
    }
}

/// An error that ends the command.
#[derive(Clone, Debug, Serialize)]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    pub causes: Vec<String>,
    pub hints: Vec<String>,
    /// Stable code where a patch was refused.
    pub reason: Option<Reason>,
}

/// Result of everything that can end a command.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), hints: Vec::new(), reason: None }
    }

    /// Adds what led to it.
    #[must_use]
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// A file or folder that could not be read or written.
    #[must_use]
    pub fn file(doing: &str, path: &Path, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => Kind::NotFound,
            io::ErrorKind::PermissionDenied => Kind::Denied,
            _ => Kind::Failed,
        };
        Self::new(kind, format!("failed to {doing} {}", path.display())).cause(error)
    }

    /// A reply of a sort that does not answer the request.
    #[must_use]
    pub fn unexpected_reply() -> Self {
        Self::new(Kind::Failed, "the daemon gave an answer of another kind").hint(
            "`patchctl daemon stop` ends a daemon of another version; the next command starts this one's",
        )
    }
}

impl From<ErrorReply> for Error {
    fn from(reply: ErrorReply) -> Self {
        let kind = match reply.kind {
            ErrorKind::NotFound => Kind::NotFound,
            ErrorKind::Invalid => Kind::Malformed,
            ErrorKind::Conflict => Kind::Refused,
            ErrorKind::Denied => Kind::Denied,
            ErrorKind::Internal => Kind::Failed,
        };
        Self { kind, message: reply.message, causes: Vec::new(), hints: reply.hints, reason: reply.reason }
    }
}
