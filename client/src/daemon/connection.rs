//! One connection to the daemon: a request, its progress, its reply.

use crate::error::{Error, Kind, Result};
use patchctl_protocol::client::{ProcessOutcome, Reply, Request};
use patchctl_protocol::framing::{self, ReadError};
use patchctl_protocol::socket;
use std::io::{self, BufReader};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long the daemon may be silent beyond the time that a request asks it to wait.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a daemon may let a new connection queue.
const QUEUE: Duration = Duration::from_secs(5);

/// A connection to a daemon that may be trusted.
pub struct Connection {
    stream: BufReader<UnixStream>,
}

impl Connection {
    /// Connects; `None` where nobody listens.
    ///
    /// # Errors
    /// That access is denied, or that the socket belongs to somebody else.
    pub fn open(path: &Path, uid: u32) -> Result<Option<Self>> {
        let stream = match socket::connect_within(path, QUEUE) {
            Ok(stream) => stream,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(unreachable(path, &error)),
        };
        let peer = socket::peer(&stream).map_err(|error| unreachable(path, &error))?;
        if peer.uid != uid && peer.uid != 0 && uid != 0 {
            let message = format!("the daemon at {} belongs to user {}", path.display(), peer.uid);
            return Err(Error::new(Kind::Denied, message).hint("name a folder of your own with --home"));
        }
        Ok(Some(Self { stream: BufReader::new(stream) }))
    }

    /// Asks, and gives the last reply.
    ///
    /// # Errors
    /// What the daemon refuses with, or that it went away.
    pub fn ask(&mut self, request: &Request) -> Result<Reply> {
        self.ask_with_progress(request, Duration::ZERO, &mut |_| {})
    }

    /// Asks for something that takes up to `wait`, with each process's outcome as it comes.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub fn ask_with_progress(
        &mut self,
        request: &Request,
        wait: Duration,
        progress: &mut dyn FnMut(&ProcessOutcome),
    ) -> Result<Reply> {
        let stream = self.stream.get_mut();
        stream.set_read_timeout(Some(wait.saturating_add(PATIENCE))).map_err(ReadError::Io).map_err(lost)?;
        framing::write(stream, request).map_err(ReadError::Io).map_err(lost)?;
        loop {
            match framing::read(&mut self.stream).map_err(lost)? {
                Reply::Progress(outcome) => progress(&outcome),
                Reply::Error(reply) => return Err(reply.into()),
                reply => return Ok(reply),
            }
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn unreachable(path: &Path, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => Kind::Denied,
        _ => Kind::Unreachable,
    };
    Error::new(kind, format!("failed to connect to the daemon at {}", path.display())).cause(error)
}

fn lost(error: ReadError) -> Error {
    let silent = matches!(&error, ReadError::Io(io) if io.kind() == io::ErrorKind::WouldBlock);
    let hint = "`patchctl daemon logs` shows what it did last";
    if silent {
        return Error::new(Kind::Unreachable, "the daemon does not answer").hint(hint);
    }
    let kind = match error {
        ReadError::Malformed(_) | ReadError::TooLong => Kind::Failed,
        ReadError::Closed | ReadError::Io(_) => Kind::Unreachable,
    };
    Error::new(kind, "lost the connection to the daemon").cause(error).hint(hint)
}
