//! One message, one line of JSON, with a limit on its length.

use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, BufRead, Read, Write};

/// Longest line that is read, in bytes. A module's source text travels in a message (the largest in
/// the standard library has 0.6 MB), so the limit is generous; what passes it is no message of ours.
pub const MAX_LINE: usize = 64 << 20;

/// Why a message could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The peer closed the connection between two messages.
    #[error("connection closed")]
    Closed,
    /// The connection failed or timed out, or ended within a message.
    #[error("connection failed: {0}")]
    Io(#[from] io::Error),
    /// The line has more than [`MAX_LINE`] bytes.
    #[error("message longer than {MAX_LINE} bytes")]
    TooLong,
    /// The line is not the JSON that was expected.
    #[error("malformed message: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// Writes one message and its newline, in one call to `write_all`.
///
/// # Errors
/// What the writer says, or that the message can't be expressed as JSON.
pub fn write<W: Write, M: Serialize>(writer: &mut W, message: &M) -> io::Result<()> {
    writer.write_all(&to_line(message)?)?;
    writer.flush()
}

/// The bytes of one message, its newline included.
///
/// # Errors
/// That the message can't be expressed as JSON (a map with keys that are no text).
pub fn to_line<M: Serialize>(message: &M) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

/// Reads one message.
///
/// # Errors
/// See [`ReadError`].
pub fn read<R: BufRead, M: DeserializeOwned>(reader: &mut R) -> Result<M, ReadError> {
    let mut line = Vec::new();
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    let count = reader.take(limit).read_until(b'\n', &mut line)?;
    match (count, line.last()) {
        (0, _) => Err(ReadError::Closed),
        (_, Some(b'\n')) => Ok(serde_json::from_slice(&line)?),
        (MAX_LINE, _) => Err(ReadError::TooLong),
        _ => Err(ReadError::Io(io::ErrorKind::UnexpectedEof.into())),
    }
}
