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

#[cfg(test)]
mod tests {
    use super::read;
    use crate::client::{Reply, Request};
    use crate::hook::{FromHook, ToHook};
    use proptest::collection::vec;
    use proptest::prelude::*;

    const HONEST: [&str; 5] = [
        r#"{"hook":"hello","protocol":1,"python":"3.11.7","search_path":["/a"],"attached":true}"#,
        r#"{"daemon":"desired","revision":3,"modules":[{"name":"a.b","digest":"sha256:00"}]}"#,
        r#"{"client":"add","files":[{"name":"a.diff","id":null,"content":"x","link":null,"strip":1}],"wait_ms":5}"#,
        r#"{"client":"audit","deadline_ms":18446744073709551615,"pids":[1]}"#,
        r#"{"reply":"changed","revision":1,"patches":[],"processes":[],"notes":[]}"#,
    ];

    fn read_as_all(bytes: &[u8]) {
        let _ = read::<_, Request>(&mut &*bytes);
        let _ = read::<_, Reply>(&mut &*bytes);
        let _ = read::<_, FromHook>(&mut &*bytes);
        let _ = read::<_, ToHook>(&mut &*bytes);
    }

    mod properties {
        use super::*;

        proptest! {
            #[test]
            fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300)) {
                read_as_all(&bytes);
            }

            #[test]
            fn changed_messages_are_read_or_refused(
                which in 0..HONEST.len(),
                changes in vec((any::<prop::sample::Index>(), "[\\[\\]{}\",:0-9a-z\\\\-]{0,4}"), 1..5),
            ) {
                let mut text = HONEST[which].to_owned();
                for (at, piece) in changes {
                    let at = at.index(text.len());
                    text.replace_range(at..(at + 1).min(text.len()), &piece);
                }
                text.push('\n');
                read_as_all(text.as_bytes());
            }
        }
    }

    #[test]
    fn honest_messages_are_understood() {
        for line in HONEST {
            let bytes = format!("{line}\n");
            let understood = [
                read::<_, Request>(&mut bytes.as_bytes()).is_ok(),
                read::<_, Reply>(&mut bytes.as_bytes()).is_ok(),
                read::<_, FromHook>(&mut bytes.as_bytes()).is_ok(),
                read::<_, ToHook>(&mut bytes.as_bytes()).is_ok(),
            ];
            assert_eq!(understood.iter().filter(|one| **one).count(), 1, "{line}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        for open in ["[", "{\"a\":"] {
            read_as_all(format!("{{\"client\":\"add\",\"files\":{}\n", open.repeat(1_000_000)).as_bytes());
        }
    }
}
