//! Reads messages, one a line, with limits on their length and on how many long ones are in memory
//! together.

use patchctl_protocol::framing::MAX_LINE;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// A line longer than this waits until few others are being read.
const LONG: usize = 64 << 10;
/// Longest first message of a link, in bytes.
const LONGEST_HELLO: usize = 1 << 20;
/// Who is in the middle of a long message must go on within this time.
const STALLED: Duration = Duration::from_secs(10);
const STEP: usize = 8 << 10;

/// One message's bytes without the newline. As long as it lives, a long one takes a place.
#[derive(Debug)]
pub struct Line {
    pub bytes: Vec<u8>,
    _place: Option<OwnedSemaphorePermit>,
}

/// Reads lines from a connection.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// So many bytes of the buffer hold no newline.
    searched: usize,
    places: Arc<Semaphore>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// `places` limits the long lines of all connections together.
    pub fn new(reader: R, places: Arc<Semaphore>) -> Self {
        Self { reader, buffer: Vec::new(), searched: 0, places }
    }

    /// The first line: long only if it is of a kind that may be.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn first(&mut self) -> io::Result<Option<Line>> {
        self.read(|head| {
            let long = head.starts_with(br#"{"client""#) || head.starts_with(br#"{"hook":"plan""#);
            if long { MAX_LINE } else { LONGEST_HELLO }
        })
        .await
    }

    /// The next line; `None` at the end of the connection.
    ///
    /// # Errors
    /// That the connection failed, ended within a line, stalled within a long one, or that a line is too
    /// long.
    pub async fn next(&mut self) -> io::Result<Option<Line>> {
        self.read(|_| MAX_LINE).await
    }

    async fn read(&mut self, limit: impl Fn(&[u8]) -> usize) -> io::Result<Option<Line>> {
        let mut place = None;
        loop {
            let fresh = &self.buffer[self.searched..];
            if let Some(index) = fresh.iter().position(|byte| *byte == b'\n') {
                return Ok(Some(self.take(self.searched + index, place)));
            }
            self.searched = self.buffer.len();
            if self.searched >= limit(&self.buffer) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "message too long"));
            }
            if self.searched >= LONG && place.is_none() {
                place = Arc::clone(&self.places).acquire_owned().await.ok();
            }
            if self.more(place.is_some()).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    async fn more(&mut self, hurry: bool) -> io::Result<usize> {
        self.buffer.reserve(STEP);
        let read = self.reader.read_buf(&mut self.buffer);
        if hurry { timeout(STALLED, read).await? } else { read.await }
    }

    fn take(&mut self, end: usize, place: Option<OwnedSemaphorePermit>) -> Line {
        let rest = self.buffer.split_off(end + 1);
        let mut bytes = std::mem::replace(&mut self.buffer, rest);
        bytes.pop();
        self.searched = 0;
        Line { bytes, _place: place }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_HELLO, Lines};
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    fn lines(bytes: &[u8]) -> Lines<&[u8]> {
        Lines::new(bytes, Arc::new(Semaphore::new(1)))
    }

    #[tokio::test]
    async fn splits_at_newlines() {
        let mut lines = lines(b"one\n\ntwo\n");
        for wanted in ["one", "", "two"] {
            let line = lines.next().await.expect("reads").expect("is there");
            assert_eq!(line.bytes, wanted.as_bytes());
        }
        assert!(lines.next().await.expect("ends").is_none());
    }

    #[tokio::test]
    async fn an_end_within_a_line_is_a_fault() {
        assert!(lines(b"half").next().await.is_err());
    }

    #[tokio::test]
    async fn a_first_line_may_be_long_only_if_its_kind_may() {
        let mut hello = br#"{"hook":"hello","x":""#.to_vec();
        hello.resize(LONGEST_HELLO + 100_000, b'x');
        hello.push(b'\n');
        assert!(lines(&hello).first().await.is_err());
        let mut client = br#"{"client":"add","x":""#.to_vec();
        client.resize(hello.len() - 1, b'x');
        client.push(b'\n');
        assert!(lines(&client).first().await.is_ok_and(|line| line.is_some()));
    }
}
