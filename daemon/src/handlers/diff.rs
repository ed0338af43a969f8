//! `diff`: original and patched texts of a patch's modules, as the linked processes have them.

use super::handled::{Handled, internal, visible};
use super::{foresight, show};
use crate::daemon::Daemon;
use crate::planning::Planner;
use crate::registry::{Entry, Snapshot};
use crate::server::{Client, Link};
use patchctl_protocol::client::{ModuleTexts, Reply};
use patchctl_protocol::digest::Digest;
use patchctl_protocol::hook::Phase;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinError;

/// Module, file, digests of both texts: processes that agree in these are shown together.
type Key = (String, Option<String>, Digest, Digest);

pub async fn handle(daemon: &Arc<Daemon>, client: &Client, id: String, pids: &[u32]) -> Handled {
    let entry = show::find(daemon, client, &id)?;
    let links = visible(daemon, client, pids);
    let names = entry.patch.iter().flat_map(|patch| patch.modules.clone()).collect();
    let modules = gather(daemon, links, names, Some(entry)).await.map_err(internal)?;
    Ok(Reply::Diff { modules })
}

/// The texts of one module as these processes have them, whatever patches it.
pub async fn of_module(daemon: &Arc<Daemon>, links: Vec<Arc<Link>>, name: String) -> Vec<ModuleTexts> {
    gather(daemon, links, vec![name], None).await.unwrap_or_default()
}

async fn gather(
    daemon: &Arc<Daemon>,
    links: Vec<Arc<Link>>,
    names: Vec<String>,
    entry: Option<Arc<Entry>>,
) -> Result<Vec<ModuleTexts>, JoinError> {
    let (planner, snapshot) = (Arc::clone(&daemon.planner), daemon.keeper.snapshot());
    let work = move || {
        let mut found: BTreeMap<Key, ModuleTexts> = BTreeMap::new();
        for link in &links {
            for name in &names {
                if let Some((key, texts)) = texts(&planner, link, &snapshot, entry.as_deref(), name) {
                    let pid = link.asker.process.pid;
                    found.entry(key).or_insert(texts).pids.push(pid);
                }
            }
        }
        found.into_values().collect()
    };
    tokio::task::spawn_blocking(work).await
}

/// The texts of a module in a process; `None` where they are unknown, or `entry` is not in them.
fn texts(
    planner: &Planner,
    link: &Link,
    snapshot: &Snapshot,
    entry: Option<&Entry>,
    name: &str,
) -> Option<(Key, ModuleTexts)> {
    let found = foresight::facts(link, name)?;
    let view = snapshot.view(link.asker.process.uid);
    let file = found.origin.clone();
    let work = planner.work(found, Phase::Live, &link.asker, &view);
    let original = work.original.digest()?.clone();
    let entries = planner.selection(&view, &link.asker).of_module(name);
    let target = planner.target(&work, &entries)?;
    if entry.is_some_and(|entry| !target.applied.iter().any(|id| id == entry.id())) {
        return None;
    }
    let text = |digest: &Digest| planner.texts.get(digest).map(|text| text.as_ref().to_owned());
    let texts = ModuleTexts {
        module: name.to_owned(),
        file: file.clone(),
        original: text(&original)?,
        patched: text(&target.digest)?,
        pids: Vec::new(),
    };
    Some(((name.to_owned(), file, original, target.digest.clone()), texts))
}
