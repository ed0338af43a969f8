//! The history's database: its one table, appending to it, reading from it. No thread and no policy.

use super::chain::{self, Tail, Walk};
use super::event::Event;
use patchctl_protocol::client::{HistoryEntry, HistoryRequest, Verified};
use patchctl_protocol::digest::Digest;
use rusqlite::{Connection, Row, params};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

/// Why the history can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("history: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("history: {0}")]
    File(#[from] io::Error),
}

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = -256;
    PRAGMA wal_autocheckpoint = 256;
    PRAGMA busy_timeout = 2000;
    CREATE TABLE IF NOT EXISTS history (
        number INTEGER PRIMARY KEY, time REAL NOT NULL, event TEXT NOT NULL, patch TEXT, digest TEXT,
        uid INTEGER, pid INTEGER, command TEXT, reason TEXT, detail TEXT, chain TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS history_patch ON history (patch, number);
    CREATE INDEX IF NOT EXISTS history_change ON history (number) WHERE event IN
        ('add', 'change', 'remove', 'enable', 'disable');
";
const COLUMNS: &str = "number, time, event, patch, digest, uid, pid, command, reason, detail, chain";

/// What the history last says of a patch that is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    pub digest: Digest,
    pub enabled: bool,
    pub added_by: Option<u32>,
    pub added_at: Option<f64>,
}

/// The open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    tail_path: PathBuf,
    last: Tail,
}

impl Store {
    /// Opens or makes the database in the state folder.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(folder.join("history.db"))?;
        connection.execute_batch(SCHEMA)?;
        let tail_path = folder.join("history.tail");
        let in_table = connection.query_row(
            "SELECT number, chain FROM history ORDER BY number DESC LIMIT 1",
            [],
            |row| Ok(Tail { number: row.get(0)?, chain: row.get(1)? }),
        );
        let last = match in_table {
            Err(rusqlite::Error::QueryReturnedNoRows) => Tail::default(),
            other => other?,
        };
        // Entries cut off leave a gap in the numbers, which is found for ever after.
        let remembered = Tail::read(&tail_path);
        let number = last.number.max(remembered.number);
        Ok(Self { connection, tail_path, last: Tail { number, ..last } })
    }

    /// Appends events in one transaction.
    ///
    /// # Errors
    /// See [`StoreError`]; nothing is written then.
    pub fn append(&mut self, events: &[Event]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        let mut last = self.last.clone();
        {
            let text = format!("INSERT INTO history ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)");
            let mut insert = transaction.prepare_cached(&text)?;
            for event in events {
                let mut entry = event.clone().into_entry(last.number + 1);
                entry.chain = chain::link(&last.chain, &entry)?;
                insert.execute(params![
                    entry.number,
                    entry.time,
                    entry.event,
                    entry.patch,
                    entry.digest.map(|digest| digest.0),
                    entry.uid,
                    entry.pid,
                    entry.command,
                    entry.reason,
                    entry.detail,
                    entry.chain,
                ])?;
                last = Tail { number: entry.number, chain: entry.chain };
            }
        }
        transaction.commit()?;
        if let Err(error) = last.write(&self.tail_path) {
            tracing::warn!("failed to note the end of the history, which may be behind: {error}");
        }
        self.last = last;
        Ok(())
    }

    /// Newest entries, oldest of them first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn entries(&self, request: &HistoryRequest) -> Result<Vec<HistoryEntry>, StoreError> {
        let limit = request.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let filter = if request.id.is_some() { "WHERE patch = ?2" } else { "WHERE ?2 IS NULL" };
        let text = format!("SELECT {COLUMNS} FROM history {filter} ORDER BY number DESC LIMIT ?1");
        let mut query = self.connection.prepare(&text)?;
        let rows = query.query_map(params![limit, request.id], entry)?;
        let mut entries = rows.collect::<Result<Vec<_>, _>>()?;
        entries.reverse();
        Ok(entries)
    }

    /// Walks the whole chain.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn verify(&self) -> Result<Verified, StoreError> {
        let mut walk = Walk::new(Tail::read(&self.tail_path));
        let text = format!("SELECT {COLUMNS} FROM history ORDER BY number");
        let mut query = self.connection.prepare(&text)?;
        for found in query.query_map([], entry)? {
            walk.step(&found?)?;
        }
        Ok(walk.end())
    }

    /// What the history last says of each patch that was not removed since.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn known(&self) -> Result<HashMap<String, Known>, StoreError> {
        let text = format!(
            "SELECT {COLUMNS} FROM history WHERE event IN ('add', 'change', 'remove', 'enable', 'disable')
             ORDER BY number"
        );
        let mut known = HashMap::new();
        let mut query = self.connection.prepare(&text)?;
        for found in query.query_map([], entry)? {
            learn(&mut known, found?);
        }
        Ok(known)
    }
}

fn learn(known: &mut HashMap<String, Known>, entry: HistoryEntry) {
    let Some(patch) = entry.patch else { return };
    let digest = entry.digest.unwrap_or_default();
    match entry.event.as_str() {
        "add" => {
            let added = Known { digest, enabled: true, added_by: entry.uid, added_at: Some(entry.time) };
            known.insert(patch, added);
        }
        "remove" => {
            known.remove(&patch);
        }
        event => {
            if let Some(one) = known.get_mut(&patch) {
                match event {
                    "change" => one.digest = digest,
                    other => one.enabled = other == "enable",
                }
            }
        }
    }
}

fn entry(row: &Row<'_>) -> Result<HistoryEntry, rusqlite::Error> {
    Ok(HistoryEntry {
        number: row.get(0)?,
        time: row.get(1)?,
        event: row.get(2)?,
        patch: row.get(3)?,
        digest: row.get::<_, Option<String>>(4)?.map(Digest),
        uid: row.get(5)?,
        pid: row.get(6)?,
        command: row.get(7)?,
        reason: row.get(8)?,
        detail: row.get(9)?,
        chain: row.get(10)?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Event, Store};
    use patchctl_protocol::client::HistoryRequest;
    use rusqlite::Connection;
    use std::path::Path;

    fn filled(folder: &Path) {
        let mut store = Store::open(folder).expect("opens");
        for name in ["add", "change", "disable", "enable"] {
            let event = Event { patch: Some("fix".into()), uid: Some(7), ..Event::new(name) };
            store.append(&[event]).expect("appends");
        }
    }

    /// Number of the first faulty entry after `statement` was executed behind the daemon's back.
    fn fault_after(statement: &str) -> Option<i64> {
        let folder = tempfile::tempdir().expect("makes a folder");
        filled(folder.path());
        let connection = Connection::open(folder.path().join("history.db")).expect("opens");
        connection.execute_batch(statement).expect("executes");
        let store = Store::open(folder.path()).expect("opens again");
        store.verify().expect("walks").broken.map(|(number, _)| number)
    }

    #[test]
    fn an_untouched_chain_is_whole() {
        assert_eq!(fault_after(""), None);
    }

    #[test]
    fn finds_what_was_done_to_entries() {
        for (statement, number) in [
            ("UPDATE history SET uid = 8 WHERE number = 2", 2),
            ("DELETE FROM history WHERE number = 3", 3),
            ("DELETE FROM history WHERE number = 1", 1),
            ("DELETE FROM history WHERE number > 2", 3),
            ("DELETE FROM history", 1),
            (
                "UPDATE history SET number = 9 WHERE number = 2; UPDATE history SET number = 2 WHERE number = 3;
                 UPDATE history SET number = 3 WHERE number = 9",
                2,
            ),
        ] {
            assert_eq!(fault_after(statement), Some(number), "{statement}");
        }
    }

    #[test]
    fn entries_cut_off_stay_found_when_new_ones_follow() {
        let folder = tempfile::tempdir().expect("makes a folder");
        filled(folder.path());
        let connection = Connection::open(folder.path().join("history.db")).expect("opens");
        connection.execute_batch("DELETE FROM history WHERE number = 4").expect("executes");
        let mut store = Store::open(folder.path()).expect("opens again");
        store.append(&[Event::new("start")]).expect("appends");
        assert_eq!(store.verify().expect("walks").broken.map(|(number, _)| number), Some(4));
    }

    #[test]
    fn a_tail_left_behind_by_a_crash_is_no_fault() {
        let folder = tempfile::tempdir().expect("makes a folder");
        filled(folder.path());
        let tail = std::fs::read(folder.path().join("history.tail")).expect("reads");
        let mut store = Store::open(folder.path()).expect("opens again");
        store.append(&[Event::new("start")]).expect("appends");
        std::fs::write(folder.path().join("history.tail"), tail).expect("puts the old one back");
        assert_eq!(store.verify().expect("walks").broken, None);
    }

    #[test]
    fn knows_patches_and_lists_the_newest() {
        let folder = tempfile::tempdir().expect("makes a folder");
        filled(folder.path());
        let mut store = Store::open(folder.path()).expect("opens");
        let known = store.known().expect("reads");
        assert!(known["fix"].enabled);
        assert_eq!(known["fix"].added_by, Some(7));
        let request = HistoryRequest { limit: Some(2), ..HistoryRequest::default() };
        let numbers: Vec<i64> =
            store.entries(&request).expect("reads").iter().map(|entry| entry.number).collect();
        assert_eq!(numbers, [3, 4]);
        store.append(&[Event { patch: Some("fix".into()), ..Event::new("remove") }]).expect("appends");
        assert!(store.known().expect("reads").is_empty());
    }
}
