//! The thread that owns the patches. The watcher and the handlers send it messages; it changes folder,
//! registry, history and index in that order, and publishes the snapshot last.

use super::change::{Author, Change, Outcome, Prepared, refuse};
use super::folder::Folder;
use super::indexes;
use super::snapshot::Snapshot;
use super::state::{self, Registry};
use crate::access::Access;
use crate::files::{self, Durable};
use crate::history::{Event, History, Known};
use crate::process::now;
use patchctl_protocol::client::{ErrorKind, ErrorReply};
use patchctl_protocol::index::Index;
use patchctl_protocol::location::Location;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

type Answer = oneshot::Sender<Result<Outcome, ErrorReply>>;

/// What the keeper is asked to do.
pub enum Command {
    /// Something happened in the folder, or to the off-switch.
    Rescan,
    /// The index files are gone.
    Publish,
    Add {
        files: Vec<Prepared>,
        replace: bool,
        author: Author,
        answer: Answer,
    },
    Remove {
        ids: Vec<String>,
        author: Author,
        answer: Answer,
    },
    Enable {
        ids: Vec<String>,
        enable: bool,
        author: Author,
        answer: Answer,
    },
    Switch {
        off: bool,
        author: Author,
        answer: Answer,
    },
    Stop,
}

/// A handle on the keeper's thread.
#[derive(Clone, Debug)]
pub struct KeeperHandle {
    commands: Sender<Command>,
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl KeeperHandle {
    /// Sends a command without waiting.
    pub fn send(&self, command: Command) {
        if self.commands.send(command).is_err() {
            tracing::error!("the keeper's thread is gone");
        }
    }

    /// Makes a change and waits until it is published.
    ///
    /// # Errors
    /// Why it was refused; nothing is changed then.
    pub async fn change(&self, command: impl FnOnce(Answer) -> Command) -> Result<Outcome, ErrorReply> {
        let (answer, receiver) = oneshot::channel();
        self.send(command(answer));
        let gone = || Err(refuse(ErrorKind::Internal, "the keeper's thread is gone", &["Restart patchd."]));
        receiver.await.unwrap_or_else(|_| gone())
    }

    /// The registry as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }
}

/// Owner of folder, registry and revision.
pub struct Keeper {
    pub(super) location: Location,
    pub(super) access: Access,
    pub(super) folder: Folder,
    pub(super) registry: Registry,
    pub(super) history: History,
    pub(super) known: HashMap<String, Known>,
    revision: u64,
    pub(super) off: bool,
    pub(super) snapshots: watch::Sender<Arc<Snapshot>>,
}

impl Keeper {
    /// Reads the folder, writes down what changed while no daemon ran, and starts the thread.
    ///
    /// # Errors
    /// That the thread can't be made.
    pub fn start(
        location: &Location,
        access: Access,
        history: History,
    ) -> io::Result<(KeeperHandle, JoinHandle<()>)> {
        let known = history.known().unwrap_or_default();
        let folder = Folder::new(location, access);
        let empty = Arc::new(Snapshot::after(None, access, 0, false, Vec::new()));
        let (snapshots, receiver) = watch::channel(empty);
        let mut keeper = Self {
            revision: last_revision(location),
            location: location.clone(),
            access,
            folder,
            registry: Registry::default(),
            history,
            known,
            off: false,
            snapshots,
        };
        keeper.first_scan();
        let (commands, messages) = channel();
        let handle = KeeperHandle { commands, snapshots: receiver };
        let thread = thread::Builder::new().name("registry".into()).spawn(move || keeper.run(&messages))?;
        Ok((handle, thread))
    }

    fn first_scan(&mut self) {
        self.off = self.location.off_switch.exists();
        let _ = self.rescan();
        for (id, known) in &self.known {
            let lost = self.registry.entries().get(id).filter(|entry| entry.patch.is_none());
            if let Some(patch) = lost.and_then(|entry| self.folder.kept(&entry.file, &known.digest)) {
                self.registry.recover(id, patch);
            }
        }
        let changes = state::since_last_run(&self.registry, &self.known);
        let mut events: Vec<Event> = changes.iter().map(|change| change.event(None)).collect();
        let gone = self.known.iter().filter(|(id, _)| !self.registry.entries().contains_key(*id));
        events.extend(gone.map(|(id, known)| Event {
            patch: Some(id.clone()),
            digest: Some(known.digest.clone()),
            detail: Some("no longer in the patch folder".into()),
            ..Event::new("remove")
        }));
        self.history.note(events);
        self.publish();
    }

    fn run(&mut self, messages: &Receiver<Command>) {
        loop {
            match messages.recv_timeout(self.until_expiry()) {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Command::Rescan) => self.follow(),
                Ok(Command::Publish) => self.publish(),
                Ok(Command::Add { files, replace, author, answer }) => {
                    let _ = answer.send(self.add(&files, replace, &author));
                }
                Ok(Command::Remove { ids, author, answer }) => {
                    let _ = answer.send(self.remove(&ids, &author));
                }
                Ok(Command::Enable { ids, enable, author, answer }) => {
                    let _ = answer.send(self.enable(&ids, enable, &author));
                }
                Ok(Command::Switch { off, author, answer }) => {
                    let _ = answer.send(self.switch(off, &author));
                }
                Err(RecvTimeoutError::Timeout) => self.expire(),
            }
        }
    }

    /// Time until a patch expires; clocks jump, so never longer than a minute.
    fn until_expiry(&self) -> Duration {
        const LONGEST: f64 = 60.0;
        let seconds = self.registry.next_expiry().map_or(LONGEST, |time| (time - now()).clamp(0.0, LONGEST));
        Duration::from_secs_f64(seconds)
    }

    fn expire(&mut self) {
        let changes = self.registry.expire(now());
        self.note_and_publish(&changes);
    }

    /// Takes over what others did to the folder and to the off-switch.
    fn follow(&mut self) {
        let changes = self.rescan();
        self.note_and_publish(&changes);
        let off = self.location.off_switch.exists();
        if off != self.off {
            self.off = off;
            let detail = Some(format!("by the file {}", self.location.off_switch.display()));
            self.history.note(vec![Event { detail, ..Event::new(if off { "off" } else { "on" }) }]);
            self.publish();
        }
    }

    pub(super) fn note_and_publish(&mut self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        log(changes);
        self.history.note(changes.iter().map(|change| change.event(None)).collect());
        self.publish();
    }

    pub(super) fn rescan(&mut self) -> Vec<Change> {
        let found = self.folder.scan();
        if self.folder.trust_changed {
            for broken in found.iter().filter(|found| found.patch.is_err()) {
                self.registry.let_go(&broken.file, |digest| self.folder.kept(&broken.file, digest).is_some());
            }
        }
        let known = &self.known;
        let provenance =
            |id: &str| known.get(id).map_or((None, None), |known| (known.added_by, known.added_at));
        let changes = self.registry.update(found, &provenance, now());
        for change in changes.iter().filter(|change| change.event == "remove") {
            self.known.remove(change.entry.id());
        }
        changes
    }

    pub(super) fn publish(&mut self) {
        self.revision += 1;
        let revision_file = self.location.state.join("revision");
        let text = format!("{}\n", self.revision);
        if let Err(error) = files::replace(&revision_file, text.as_bytes(), 0o600, Durable::No) {
            tracing::warn!("failed to write the revision: {error}");
        }
        let entries = self.registry.entries().values().chain(&self.registry.doubles).cloned().collect();
        let before = Arc::clone(&self.snapshots.borrow());
        let after = Snapshot::after(Some(&before), self.access, self.revision, self.off, entries);
        if let Err(error) = indexes::write(&self.location, self.access, &after) {
            tracing::error!("failed to write the index: {error}");
        }
        self.snapshots.send_replace(Arc::new(after));
    }
}

/// Says in the log what changed.
pub(super) fn log(changes: &[Change]) {
    for change in changes {
        let id = change.entry.id();
        match &change.detail {
            Some(detail) => tracing::warn!("{} {id}: {detail}", change.event),
            None => tracing::info!("{} {id}", change.event),
        }
    }
}

/// The highest revision that any run of the daemon told a process.
fn last_revision(location: &Location) -> u64 {
    let stored = fs::read_to_string(location.state.join("revision")).ok();
    let stored = stored.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let index = fs::read_to_string(location.index()).ok().and_then(|text| Index::parse(&text));
    index.map_or(stored, |index| stored.max(index.revision))
}
