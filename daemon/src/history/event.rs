//! An event before it has a number and a place in the chain.

use crate::process::now;
use patchctl_protocol::client::HistoryEntry;
use patchctl_protocol::digest::Digest;

/// Something that happened, to be written to the history.
#[derive(Clone, Debug, Default)]
pub struct Event {
    pub time: f64,
    /// As in [`HistoryEntry::event`].
    pub name: &'static str,
    pub patch: Option<String>,
    pub digest: Option<Digest>,
    pub uid: Option<u32>,
    pub pid: Option<u32>,
    pub command: Option<String>,
    pub reason: Option<String>,
    pub detail: Option<String>,
}

impl Event {
    /// An event of this moment.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { time: now(), name, ..Self::default() }
    }

    /// The entry that this event becomes; its chain is still empty.
    #[must_use]
    pub fn into_entry(self, number: i64) -> HistoryEntry {
        HistoryEntry {
            number,
            time: self.time,
            event: self.name.to_owned(),
            patch: self.patch,
            digest: self.digest,
            uid: self.uid,
            pid: self.pid,
            command: self.command,
            reason: self.reason,
            detail: self.detail,
            chain: String::new(),
        }
    }
}
