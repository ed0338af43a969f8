//! What a change is made of: who makes it, which files it brings, what came of it.

use super::{Entry, Snapshot};
use crate::history::Event;
use patchctl_protocol::client::{ErrorKind, ErrorReply};
use std::path::PathBuf;
use std::sync::Arc;

/// Who makes a change, and why.
#[derive(Clone, Debug, Default)]
pub struct Author {
    pub uid: u32,
    pub pid: u32,
    pub command: String,
    pub reason: Option<String>,
}

/// A patch file that was checked and is ready to be written.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub id: String,
    /// Name in the patch folder.
    pub file: String,
    pub content: Vec<u8>,
    /// Make a link to this file instead of writing the content.
    pub link: Option<PathBuf>,
}

/// What a client's change came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub before: Arc<Snapshot>,
    pub after: Arc<Snapshot>,
    /// The patches that were asked for, as they are now (or were, if removed).
    pub patches: Vec<Arc<Entry>>,
}

/// One difference between the folder and what was known of it.
#[derive(Clone, Debug)]
pub struct Change {
    /// Name of the event, as in the history.
    pub event: &'static str,
    pub entry: Arc<Entry>,
    pub detail: Option<String>,
}

impl Change {
    #[must_use]
    pub fn new(event: &'static str, entry: &Arc<Entry>) -> Self {
        Self { event, entry: Arc::clone(entry), detail: None }
    }

    /// As it goes into the history. Without an author the file was changed in the folder, by its owner as
    /// far as one can know.
    #[must_use]
    pub fn event(&self, author: Option<&Author>) -> Event {
        let header_reason = self.entry.patch.as_ref().and_then(|patch| patch.header.reason.clone());
        let force = self.entry.patch.as_ref().is_some_and(|patch| patch.header.force);
        let forced = || force.then(|| "its header says `force = true`".to_owned());
        let event = Event {
            patch: Some(self.entry.id().to_owned()),
            digest: Some(self.entry.reference.digest.clone()),
            uid: Some(author.map_or(self.entry.owner, |author| author.uid)),
            pid: author.map(|author| author.pid),
            command: author.map(|author| author.command.clone()),
            reason: author.and_then(|author| author.reason.clone()).or(header_reason),
            detail: self.detail.clone().or_else(forced),
            ..Event::new(self.event)
        };
        if author.is_none() && event.detail.is_none() {
            return Event {
                detail: Some(format!("found in the patch folder: {}", self.entry.file)),
                ..event
            };
        }
        event
    }
}

/// A refusal for clients.
#[must_use]
pub fn refuse(kind: ErrorKind, message: impl Into<String>, hints: &[&str]) -> ErrorReply {
    let hints = hints.iter().map(|hint| (*hint).to_owned()).collect();
    ErrorReply { kind, message: message.into(), hints, reason: None }
}
