//! `show`: one patch with its file's content.

use super::handled::{Handled, refuse};
use crate::daemon::Daemon;
use crate::registry::{self, Entry};
use crate::server::Client;
use patchctl_planner::near_misses;
use patchctl_protocol::client::{ErrorKind, ErrorReply, Reply};
use std::sync::Arc;

pub fn handle(daemon: &Daemon, client: &Client, id: &str) -> Handled {
    let entry = find(daemon, client, id)?;
    let path = daemon.location.patches.join(&entry.file);
    let content = registry::read_file(&path, daemon.access).content.unwrap_or_default();
    let content = String::from_utf8_lossy(&content).into_owned();
    Ok(Reply::Patch { patch: Box::new(entry.info()), content })
}

/// A patch that the client may see.
pub fn find(daemon: &Daemon, client: &Client, id: &str) -> Result<Arc<Entry>, ErrorReply> {
    let snapshot = daemon.keeper.snapshot();
    let uid = client.process.uid;
    let may_see = |entry: &&Arc<Entry>| uid == 0 || daemon.access.reaches(entry.owner, uid);
    let found = snapshot.find(id).filter(may_see);
    found.cloned().ok_or_else(|| {
        let near = near_misses(id, snapshot.entries.iter().filter(may_see).map(|entry| entry.id()));
        let hint = match near.as_slice() {
            [] => "`patchctl list` shows the patches there are.".to_owned(),
            near => format!("Did you mean {}?", near.join(" or ")),
        };
        refuse(ErrorKind::NotFound, format!("there is no patch {id}"), &hint)
    })
}
