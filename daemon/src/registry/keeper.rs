//! The thread that owns the patches. The watcher and the handlers send it messages; it changes folder,
//! registry, history and index in that order, and publishes the snapshot last.

use super::change::{Author, Change, Outcome, Prepared, refuse};
use super::folder::Folder;
use super::naming;
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
    location: Location,
    access: Access,
    folder: Folder,
    registry: Registry,
    history: History,
    known: HashMap<String, Known>,
    revision: u64,
    off: bool,
    snapshots: watch::Sender<Arc<Snapshot>>,
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
        let folder = Folder::new(location.patches.clone(), location.state.join("patches"), access);
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

    fn note_and_publish(&mut self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        log(changes);
        self.history.note(changes.iter().map(|change| change.event(None)).collect());
        self.publish();
    }

    fn rescan(&mut self) -> Vec<Change> {
        let found = self.folder.scan();
        let known = &self.known;
        let provenance =
            |id: &str| known.get(id).map_or((None, None), |known| (known.added_by, known.added_at));
        let changes = self.registry.update(found, &provenance, now());
        for change in changes.iter().filter(|change| change.event == "remove") {
            self.known.remove(change.entry.id());
        }
        changes
    }

    fn publish(&mut self) {
        self.revision += 1;
        let revision_file = self.location.state.join("revision");
        let text = format!("{}\n", self.revision);
        if let Err(error) = files::replace(&revision_file, text.as_bytes(), 0o600, Durable::No) {
            tracing::warn!("failed to write the revision: {error}");
        }
        let entries = self.registry.entries().values().chain(&self.registry.doubles).cloned().collect();
        let before = Arc::clone(&self.snapshots.borrow());
        let after = Snapshot::after(Some(&before), self.access, self.revision, self.off, entries);
        let index = Index { revision: self.revision, modules: after.module_names() };
        let mode =
            if self.location.scope == patchctl_protocol::location::Scope::Machine { 0o644 } else { 0o600 };
        if let Err(error) =
            files::replace(&self.location.index(), index.to_text().as_bytes(), mode, Durable::No)
        {
            tracing::error!("failed to write the index: {error}");
        }
        self.snapshots.send_replace(Arc::new(after));
    }

    fn add(&mut self, files: &[Prepared], replace: bool, author: &Author) -> Result<Outcome, ErrorReply> {
        let _ = self.rescan();
        for file in files {
            self.check_free(file, replace, author)?;
        }
        crate::places::Places::remake_patches(&self.location)
            .map_err(|error| refuse(ErrorKind::Internal, error.to_string(), &[]))?;
        let mut undo = Undo::default();
        for file in files {
            if let Err(error) = self.write(file, author, &mut undo) {
                undo.run(&self.folder);
                let message = format!("failed to write {}: {error}", file.file);
                return Err(refuse(
                    ErrorKind::Internal,
                    message,
                    &["Look at the disk and the folder's mode."],
                ));
            }
        }
        let ids: Vec<String> = files.iter().map(|file| file.id.clone()).collect();
        self.settle(&ids, author, undo)
    }

    fn check_free(&self, file: &Prepared, replace: bool, author: &Author) -> Result<(), ErrorReply> {
        let Some(old) = self.registry.entries().get(&file.id) else { return Ok(()) };
        if !self.access.may_change(author.uid, old.owner) {
            let message = format!("patch {} belongs to uid {}", file.id, old.owner);
            return Err(refuse(ErrorKind::Denied, message, &["Choose another id with --id."]));
        }
        if replace || old.expired {
            return Ok(());
        }
        let hints = ["Use --replace to put this one in its place, or --id to give it another id."];
        Err(refuse(ErrorKind::Conflict, format!("there is a patch {} already", file.id), &hints))
    }

    fn write(&self, file: &Prepared, author: &Author, undo: &mut Undo) -> io::Result<()> {
        if let Some(old) = self.registry.entries().get(&file.id) {
            undo.keep(&self.folder, &old.file, old.owner)?;
            if old.file != file.file {
                self.folder.remove(&old.file)?;
            }
        }
        undo.written.push(file.file.clone());
        match &file.link {
            Some(target) => self.folder.link(&file.file, target, author.uid),
            None => self.folder.write(&file.file, &file.content, author.uid),
        }
    }

    fn remove(&mut self, ids: &[String], author: &Author) -> Result<Outcome, ErrorReply> {
        let files = self.files_of(ids, author)?;
        let mut undo = Undo::default();
        for (file, owner) in &files {
            let removed = undo.keep(&self.folder, file, *owner).and_then(|()| self.folder.remove(file));
            self.or_undo(removed, &undo, file)?;
        }
        self.settle(ids, author, undo)
    }

    fn enable(&mut self, ids: &[String], enable: bool, author: &Author) -> Result<Outcome, ErrorReply> {
        let files = self.files_of(ids, author)?;
        let mut undo = Undo::default();
        for (file, _) in &files {
            let plain = file.strip_suffix(naming::DISABLED).unwrap_or(file);
            let wanted = if enable { plain.to_owned() } else { format!("{plain}{}", naming::DISABLED) };
            if wanted != *file {
                let renamed = self.folder.rename(file, &wanted);
                self.or_undo(renamed, &undo, file)?;
                undo.renamed.push((wanted, file.clone()));
            }
        }
        self.settle(ids, author, undo)
    }

    fn or_undo(&self, done: io::Result<()>, undo: &Undo, file: &str) -> Result<(), ErrorReply> {
        done.map_err(|error| {
            undo.run(&self.folder);
            refuse(ErrorKind::Internal, format!("failed to change {file}: {error}"), &[])
        })
    }

    /// Files of the patches with these ids, all of which must be there and the author's to change.
    fn files_of(&mut self, ids: &[String], author: &Author) -> Result<Vec<(String, u32)>, ErrorReply> {
        let changes = self.rescan();
        self.note_and_publish(&changes);
        let mut files = Vec::new();
        for id in ids {
            let doubles = self.registry.doubles.iter();
            let entry =
                self.registry.entries().get(id).or_else(|| doubles.clone().find(|double| double.file == *id));
            let Some(entry) = entry else { return Err(self.not_found(id)) };
            if !self.access.may_change(author.uid, entry.owner) {
                let message = format!("patch {id} belongs to uid {}", entry.owner);
                return Err(refuse(ErrorKind::Denied, message, &[]));
            }
            files.push((entry.file.clone(), entry.owner));
        }
        Ok(files)
    }

    fn not_found(&self, id: &str) -> ErrorReply {
        let names = self.registry.entries().keys().map(String::as_str);
        let near = patchctl_planner::near_misses(id, names);
        let hint = match near.as_slice() {
            [] => "`patchctl list` shows the patches there are.".to_owned(),
            near => format!("Did you mean {}?", near.join(" or ")),
        };
        refuse(ErrorKind::NotFound, format!("there is no patch {id}"), &[&hint])
    }

    /// After the files were changed: takes over the change, writes it down, publishes it. A change that
    /// can't be written down is taken back.
    fn settle(&mut self, ids: &[String], author: &Author, undo: Undo) -> Result<Outcome, ErrorReply> {
        let before = Arc::clone(&self.snapshots.borrow());
        let gone: Vec<_> = ids.iter().filter_map(|id| before.find(id).cloned()).collect();
        let changes = self.rescan();
        log(&changes);
        let mut events = Vec::new();
        for change in &changes {
            let asked = ids.iter().any(|id| id == change.entry.id());
            events.push(change.event(asked.then_some(author)));
        }
        if let Err(fault) = self.history.record(events) {
            undo.run(&self.folder);
            let _ = self.rescan();
            let hints =
                ["No change is made that can't be written down; `patchctl daemon status` shows more."];
            return Err(refuse(ErrorKind::Internal, fault, &hints));
        }
        self.learn(ids, author);
        if !changes.is_empty() {
            self.publish();
        }
        let after = Arc::clone(&self.snapshots.borrow());
        let now_there: Vec<_> = ids.iter().filter_map(|id| after.find(id).cloned()).collect();
        let patches = if now_there.is_empty() { gone } else { now_there };
        Ok(Outcome { before, after, patches })
    }

    /// Notes who added the patches that are new.
    fn learn(&mut self, ids: &[String], author: &Author) {
        for id in ids.iter().filter(|id| self.registry.entries().contains_key(*id)) {
            let known = self.known.entry(id.clone()).or_default();
            known.added_by.get_or_insert(author.uid);
            known.added_at.get_or_insert_with(now);
        }
    }

    fn switch(&mut self, off: bool, author: &Author) -> Result<Outcome, ErrorReply> {
        if !self.access.may_change(author.uid, self.access.uid) {
            return Err(refuse(
                ErrorKind::Denied,
                "only root switches the machine's patches off and on",
                &[],
            ));
        }
        let path = &self.location.off_switch;
        let done = if off { fs::write(path, b"") } else { fs::remove_file(path) };
        match done {
            Err(error) if off || error.kind() != io::ErrorKind::NotFound => {
                let message = format!("failed to switch by {}: {error}", path.display());
                return Err(refuse(ErrorKind::Internal, message, &[]));
            }
            _ => {}
        }
        let before = Arc::clone(&self.snapshots.borrow());
        if off != self.off {
            self.off = off;
            let change = Event {
                uid: Some(author.uid),
                pid: Some(author.pid),
                command: Some(author.command.clone()),
                reason: author.reason.clone(),
                ..Event::new(if off { "off" } else { "on" })
            };
            // Switching off must work whatever else does not: it is written down when that is possible.
            self.history.note(vec![change]);
            self.publish();
        }
        let after = Arc::clone(&self.snapshots.borrow());
        let patches = after.entries.clone();
        Ok(Outcome { before, after, patches })
    }
}

/// How to take back changes of the folder.
#[derive(Debug, Default)]
struct Undo {
    written: Vec<String>,
    renamed: Vec<(String, String)>,
    kept: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    file: String,
    owner: u32,
    link: Option<std::path::PathBuf>,
    content: Vec<u8>,
}

impl Undo {
    /// Remembers a file before it is overwritten or removed.
    fn keep(&mut self, folder: &Folder, file: &str, owner: u32) -> io::Result<()> {
        let path = folder.path_of(file);
        let link = fs::read_link(&path).ok();
        let content = if link.is_some() { Vec::new() } else { fs::read(&path).unwrap_or_default() };
        self.kept.push(Kept { file: file.to_owned(), owner, link, content });
        Ok(())
    }

    fn run(&self, folder: &Folder) {
        for file in &self.written {
            let _ = folder.remove(file);
        }
        for (now, before) in self.renamed.iter().rev() {
            let _ = folder.rename(now, before);
        }
        for kept in &self.kept {
            let done = match &kept.link {
                Some(target) => folder.link(&kept.file, target, kept.owner),
                None => folder.write(&kept.file, &kept.content, kept.owner),
            };
            if let Err(error) = done {
                tracing::error!(file = kept.file, "failed to take a change back: {error}");
            }
        }
    }
}

fn log(changes: &[Change]) {
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
