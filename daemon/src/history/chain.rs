//! The hash chain over the history's entries, and the small file that remembers where it ends, so that
//! entries cut off at the end are missed too.

use crate::files::{self, Durable};
use patchctl_protocol::client::{HistoryEntry, Verified};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// The chain's value before the first entry.
pub const START: &str = "";

/// Chain value of an entry: SHA-256 over the value before it and the entry as JSON, its own chain left
/// empty. JSON of a struct has its fields in the order of declaration, so the form is one.
///
/// # Errors
/// That the entry can't be expressed as JSON.
pub fn link(before: &str, entry: &HistoryEntry) -> io::Result<String> {
    let plain = HistoryEntry { chain: String::new(), ..entry.clone() };
    let mut hash = Sha256::new();
    hash.update(before.as_bytes());
    hash.update(serde_json::to_vec(&plain)?);
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// Where the chain ended when it was last written: number and chain value of the last entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    pub number: i64,
    pub chain: String,
}

impl Tail {
    /// Reads the file; a missing or torn one counts as an empty history's.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let parsed = text
            .trim_end()
            .split_once(' ')
            .and_then(|(number, chain)| Some(Self { number: number.parse().ok()?, chain: chain.to_owned() }));
        parsed.unwrap_or_default()
    }

    /// # Errors
    /// What the file system says.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        files::replace(path, format!("{} {}\n", self.number, self.chain).as_bytes(), 0o600, Durable::No)
    }
}

/// Walks a chain entry by entry and keeps the first fault.
#[derive(Debug)]
pub struct Walk {
    tail: Tail,
    before: String,
    count: u64,
    last: i64,
    broken: Option<(i64, String)>,
}

impl Walk {
    /// Starts at the first entry; the chain must reach at least `tail`. (It may go on behind it: a crash
    /// between the database and the small file leaves the file behind.)
    #[must_use]
    pub fn new(tail: Tail) -> Self {
        Self { tail, before: START.to_owned(), count: 0, last: 0, broken: None }
    }

    /// The next entry, in order of numbers.
    ///
    /// # Errors
    /// That the entry can't be expressed as JSON.
    pub fn step(&mut self, entry: &HistoryEntry) -> io::Result<()> {
        self.count += 1;
        let expected = self.last + 1;
        if entry.number != expected {
            self.fault(expected, format!("entry is missing; the next one is number {}", entry.number));
        } else if link(&self.before, entry)? != entry.chain {
            self.fault(entry.number, "entry was edited, or the one before it removed or moved".into());
        } else if entry.number == self.tail.number && entry.chain != self.tail.chain {
            self.fault(entry.number, "entry is not the one that was written last here".into());
        }
        self.last = entry.number;
        self.before.clone_from(&entry.chain);
        Ok(())
    }

    /// The result, after the last entry.
    #[must_use]
    pub fn end(mut self) -> Verified {
        if self.last < self.tail.number {
            let detail = format!("entries up to number {} were cut off", self.tail.number);
            self.fault(self.last + 1, detail);
        }
        Verified { entries: self.count, broken: self.broken }
    }

    fn fault(&mut self, number: i64, detail: String) {
        if self.broken.is_none() {
            self.broken = Some((number, detail));
        }
    }
}
