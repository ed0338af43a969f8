//! `check --pid`: what a patch would change in one process.

use super::handled::{Handled, refuse, visible};
use super::{add, foresight};
use crate::daemon::Daemon;
use crate::server::Client;
use patchctl_protocol::client::{AddRequest, CheckRequest, ErrorKind, Reply};
use std::sync::Arc;

pub async fn handle(daemon: &Arc<Daemon>, client: &Client, request: CheckRequest) -> Handled {
    let links = visible(daemon, client, &[request.pid]);
    let Some(link) = links.first() else {
        let message = format!("process {} is not linked", request.pid);
        return Err(refuse(ErrorKind::NotFound, message, "`patchctl ps` shows the linked processes."));
    };
    let checked = add::check(&request.file, &AddRequest::default())?;
    let entry = add::entry(&checked, client.process.uid);
    let snapshot = Arc::new(foresight::with(daemon, &[Arc::clone(&entry)]));
    let modules = foresight::check(daemon, link, &snapshot, &entry).await?;
    Ok(Reply::Checked { modules })
}
