//! The changes that clients ask of the keeper: the folder first, then the registry and the history, and
//! what can't be written down is taken back.

use super::change::{Author, Outcome, Prepared, refuse};
use super::folder::MOST_PATCHES;
use super::keeper::{Keeper, log};
use super::naming;
use super::undo::Undo;
use crate::history::Event;
use crate::places::Places;
use crate::process::now;
use patchctl_protocol::client::{ErrorKind, ErrorReply};
use std::fs;
use std::io;
use std::sync::Arc;

impl Keeper {
    pub(super) fn add(
        &mut self,
        files: &[Prepared],
        replace: bool,
        author: &Author,
    ) -> Result<Outcome, ErrorReply> {
        self.catch_up(files.iter().map(|file| file.file.as_str()));
        if self.registry.entries().len() + files.len() > MOST_PATCHES {
            let message = format!("there may be {MOST_PATCHES} patches at most");
            return Err(refuse(ErrorKind::Conflict, message, &["Remove some that are not needed any more."]));
        }
        for file in files {
            self.check_free(file, replace, author)?;
            self.check_signature(file)?;
        }
        Places::remake_patches(&self.location)
            .map_err(|error| refuse(ErrorKind::Internal, error.to_string(), &[]))?;
        let mut undo = Undo::default();
        for file in files {
            if let Err(error) = self.write(file, author, &mut undo) {
                undo.run(&mut self.folder);
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

    /// Looks at the folder if one of these files is there that is not known yet, or other signatures count: the
    /// watcher is a moment behind.
    fn catch_up<'a>(&mut self, mut files: impl Iterator<Item = &'a str>) {
        let known = |file: &str| self.registry.entries().values().any(|entry| entry.file == file);
        let unseen = files.any(|file| !known(file) && self.folder.path_of(file).symlink_metadata().is_ok());
        if unseen || self.folder.trust.is_outdated() {
            let changes = self.rescan();
            self.note_and_publish(&changes);
        }
    }

    fn check_signature(&mut self, file: &Prepared) -> Result<(), ErrorReply> {
        self.folder.trust.set_withdrawn(&file.id, false);
        self.folder.trust.judge(&file.id, &file.content).map(drop).map_err(|fault| {
            let hint = "`patchctl sign` signs a patch, `patchctl key` lists and trusts keys.";
            refuse(ErrorKind::Conflict, format!("{}: {fault}", file.file), &[hint])
        })
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
        let hints = ["Use --overwrite to put this one in its place, or --id to give it another id."];
        Err(refuse(ErrorKind::Conflict, format!("there is a patch {} already", file.id), &hints))
    }

    fn write(&mut self, file: &Prepared, author: &Author, undo: &mut Undo) -> io::Result<()> {
        let old = self.registry.entries().get(&file.id).cloned();
        if let Some(old) = old {
            undo.keep(&self.folder, &old.file, old.owner);
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

    pub(super) fn remove(&mut self, ids: &[String], author: &Author) -> Result<Outcome, ErrorReply> {
        let files = self.files_of(ids, author)?;
        let mut undo = Undo::default();
        for (file, owner) in &files {
            undo.keep(&self.folder, file, *owner);
            let removed = self.folder.remove(file);
            self.or_undo(removed, &undo, file)?;
        }
        let outcome = self.settle(ids, author, undo)?;
        for id in ids {
            self.folder.trust.set_withdrawn(id, true);
        }
        Ok(outcome)
    }

    pub(super) fn enable(
        &mut self,
        ids: &[String],
        enable: bool,
        author: &Author,
    ) -> Result<Outcome, ErrorReply> {
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

    fn or_undo(&mut self, done: io::Result<()>, undo: &Undo, file: &str) -> Result<(), ErrorReply> {
        done.map_err(|error| {
            undo.run(&mut self.folder);
            refuse(ErrorKind::Internal, format!("failed to change {file}: {error}"), &[])
        })
    }

    /// Files of the patches with these ids, all of which must be there and the author's to change.
    fn files_of(&mut self, ids: &[String], author: &Author) -> Result<Vec<(String, u32)>, ErrorReply> {
        if ids.iter().any(|id| !self.registry.entries().contains_key(id)) {
            let changes = self.rescan();
            self.note_and_publish(&changes);
        }
        let mut files = Vec::new();
        for id in ids {
            let doubles = self.registry.doubles.iter();
            let entry =
                self.registry.entries().get(id).or_else(|| doubles.clone().find(|double| double.file == *id));
            let Some(entry) = entry else { return Err(self.not_found(id, author)) };
            if !self.access.may_change(author.uid, entry.owner) {
                if !self.access.reaches(entry.owner, author.uid) {
                    return Err(self.not_found(id, author));
                }
                let message = format!("patch {id} belongs to uid {}", entry.owner);
                return Err(refuse(ErrorKind::Denied, message, &[]));
            }
            files.push((entry.file.clone(), entry.owner));
        }
        Ok(files)
    }

    fn not_found(&self, id: &str, author: &Author) -> ErrorReply {
        let entries = self.registry.entries().values();
        let own = entries.filter(|entry| self.access.may_change(author.uid, entry.owner));
        let names = own.map(|entry| entry.id());
        let near = patchctl_planner::near_misses(id, names);
        let hint = match near.as_slice() {
            [] => "`patchctl list` shows the patches there are.".to_owned(),
            near => format!("Did you mean {}?", near.join(" or ")),
        };
        refuse(ErrorKind::NotFound, format!("there is no patch {id}"), &[&hint])
    }

    /// After the files were changed: brings them to the disk, takes over the change, writes it down, publishes
    /// it. A change that can't be written down is taken back.
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
        let synced = self.folder.sync().map_err(|error| format!("failed to bring it to the disk: {error}"));
        if let Err(fault) = synced.and_then(|()| self.history.record(events)) {
            undo.run(&mut self.folder);
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

    pub(super) fn switch(&mut self, off: bool, author: &Author) -> Result<Outcome, ErrorReply> {
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
