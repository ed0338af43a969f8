//! The link's connection: lines in and out, waiting for the socket and the wake-up together.

use super::descriptor::Identity;
use patchctl_protocol::framing::{self, MAX_LINE};
use patchctl_protocol::hook::{FromHook, ToHook};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A connection with what was read of an unfinished line.
pub struct Wire {
    stream: ManuallyDrop<UnixStream>,
    /// What the stream is: the application may close it, and open something else under its number.
    identity: Identity,
    unread: Vec<u8>,
    /// So many bytes of it hold no newline.
    searched: usize,
}

/// What ended a wait.
pub enum Event {
    Message(Box<ToHook>),
    Woken,
    TimedOut,
}

/// Longest wait for a daemon that does not read what we write.
const WRITE_PATIENCE: Duration = Duration::from_secs(2);

impl Wire {
    /// Takes over a fresh connection.
    ///
    /// # Errors
    /// That the socket refuses its settings.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_write_timeout(Some(WRITE_PATIENCE))?;
        let identity = Identity::of(stream.as_fd()).ok_or(rustix::io::Errno::BADF)?;
        Ok(Self { stream: ManuallyDrop::new(stream), identity, unread: Vec::new(), searched: 0 })
    }

    /// Sends one message.
    ///
    /// # Errors
    /// That the connection is lost, or that the daemon does not read.
    pub fn send(&mut self, message: &FromHook) -> io::Result<()> {
        let line = framing::to_line(message)?;
        self.identity.check(&*self.stream)?;
        self.stream.write_all(&line)
    }

    /// Waits for a message or the wake-up, whichever comes first.
    ///
    /// # Errors
    /// That the connection is lost, or that what came is no message.
    pub fn wait(&mut self, wake: &OwnedFd, timeout: Option<Duration>) -> io::Result<Event> {
        loop {
            if let Some(message) = self.take_line()? {
                return Ok(Event::Message(Box::new(message)));
            }
            let (readable, woken) = wait_for(Some(&self.stream), wake, timeout)?;
            if woken {
                return Ok(Event::Woken);
            }
            if !readable {
                return Ok(Event::TimedOut);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut chunk = [0; 16 << 10];
        self.identity.check(&*self.stream)?;
        match self.stream.read(&mut chunk)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ if self.unread.len() > MAX_LINE => Err(io::ErrorKind::InvalidData.into()),
            count => {
                self.unread.extend_from_slice(&chunk[..count]);
                Ok(())
            }
        }
    }

    fn take_line(&mut self) -> io::Result<Option<ToHook>> {
        let Some(end) = self.unread[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.unread.len();
            return Ok(None);
        };
        let line: Vec<u8> = self.unread.drain(..=self.searched + end).collect();
        self.searched = 0;
        Ok(Some(serde_json::from_slice(&line)?))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.identity.check(&*self.stream).is_ok() {
            // SAFETY: this is the only place that drops it, and the value is gone afterwards.
            unsafe { ManuallyDrop::drop(&mut self.stream) };
        }
    }
}

/// Waits for the wake-up alone; whether it came.
///
/// # Errors
/// What `poll` says.
pub fn sleep(wake: &OwnedFd, timeout: Option<Duration>) -> io::Result<bool> {
    wait_for(None, wake, timeout).map(|(_, woken)| woken)
}

/// Whether the stream is readable and whether the wake-up came; the wake-up is reset.
fn wait_for(
    stream: Option<&UnixStream>,
    wake: &OwnedFd,
    timeout: Option<Duration>,
) -> io::Result<(bool, bool)> {
    let timeout = timeout.and_then(|time| Timespec::try_from(time).ok());
    let mut descriptors = vec![PollFd::new(wake, PollFlags::IN)];
    descriptors.extend(stream.map(|stream| PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN)));
    match poll(&mut descriptors, timeout.as_ref()) {
        Err(rustix::io::Errno::INTR) | Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    if descriptors.iter().any(|entry| entry.revents().contains(PollFlags::NVAL)) {
        return Err(rustix::io::Errno::BADF.into());
    }
    let woken = !descriptors[0].revents().is_empty();
    let readable = descriptors.get(1).is_some_and(|entry| !entry.revents().is_empty());
    if woken {
        // Resets the counter; nothing to read is no failure.
        rustix::io::read(wake, &mut [0; 8]).ok();
    }
    Ok((readable, woken))
}
