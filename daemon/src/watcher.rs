//! Watches the patch folder, the files that links in it point to, and the off-switch, and tells the keeper
//! when something may have changed. What changed is found out by the keeper.

use crate::registry::{Command, KeeperHandle};
use notify::{EventKind, INotifyWatcher, RecursiveMode, Watcher as _};
use patchctl_protocol::location::Location;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Events come in groups (an editor writes, renames, sets modes): act when it was quiet so long,
const QUIET: Duration = Duration::from_millis(10);
/// but after this time at the latest.
const LONGEST: Duration = Duration::from_millis(60);
/// A watch dies with its folder; so look after the folders, and after what no event tells (another mount).
const LOOK_AFTER: Duration = Duration::from_secs(2);

/// Device and inode number: tells a folder from another one made in its place.
type Identity = (u64, u64);

struct Watcher {
    notify: INotifyWatcher,
    watched: BTreeMap<PathBuf, Identity>,
    location: Location,
}

/// Watches until the daemon ends.
///
/// # Errors
/// That the kernel gives no watch (`fs.inotify.max_user_instances`).
pub async fn run(location: Location, keeper: KeeperHandle) -> notify::Result<()> {
    let (sender, mut events) = mpsc::channel(1);
    let handler = move |event: notify::Result<notify::Event>| {
        let relevant = event.map_or(true, |event| !matches!(event.kind, EventKind::Access(_)));
        if relevant {
            // A full queue has the message already.
            let _ = sender.try_send(());
        }
    };
    let notify = notify::recommended_watcher(handler)?;
    let mut watcher = Watcher { notify, watched: BTreeMap::new(), location };
    let mut snapshots = keeper.snapshots.clone();
    watcher.look_after(&links(&keeper));
    keeper.send(Command::Rescan);
    loop {
        tokio::select! {
            event = events.recv() => {
                if event.is_none() {
                    return Ok(());
                }
                quiet(&mut events).await;
                watcher.look_after(&links(&keeper));
                keeper.send(Command::Rescan);
            }
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                if watcher.look_after(&links(&keeper)) {
                    keeper.send(Command::Rescan);
                }
            }
            () = tokio::time::sleep(LOOK_AFTER) => {
                if watcher.look_after(&links(&keeper)) {
                    keeper.send(Command::Rescan);
                }
            }
        }
    }
}

/// Waits until no event came for a while.
async fn quiet(events: &mut mpsc::Receiver<()>) {
    let latest = Instant::now() + LONGEST;
    loop {
        let until = (Instant::now() + QUIET).min(latest);
        tokio::select! {
            event = events.recv() => if event.is_none() { return },
            () = sleep_until(until) => return,
        }
    }
}

fn links(keeper: &KeeperHandle) -> BTreeSet<PathBuf> {
    let snapshot = keeper.snapshot();
    let folders = snapshot.entries.iter().filter_map(|entry| Some(entry.link.as_ref()?.parent()?.to_owned()));
    folders.filter(|folder| folder.is_absolute()).collect()
}

impl Watcher {
    /// Watches what is to be watched and is not yet. Returns whether that changed.
    fn look_after(&mut self, links: &BTreeSet<PathBuf>) -> bool {
        let mut wanted = links.clone();
        for path in [&self.location.patches, &self.location.off_switch] {
            wanted.extend(path.parent().map(Path::to_owned));
        }
        wanted.extend([self.location.patches.clone(), self.location.keys()]);
        let stale: Vec<PathBuf> = self
            .watched
            .iter()
            .filter(|(path, seen)| !wanted.contains(*path) || identity(path) != Some(**seen))
            .map(|(path, _)| path.clone())
            .collect();
        for path in &stale {
            let _ = self.notify.unwatch(path);
            self.watched.remove(path);
        }
        let mut changed = !stale.is_empty();
        for path in wanted {
            changed |= self.watch(path);
        }
        changed
    }

    fn watch(&mut self, path: PathBuf) -> bool {
        let Some(found) = identity(&path).filter(|_| !self.watched.contains_key(&path)) else { return false };
        match self.notify.watch(&path, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(path, found);
                true
            }
            Err(error) => {
                tracing::debug!(path = %path.display(), "failed to watch: {error}");
                false
            }
        }
    }
}

fn identity(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}
