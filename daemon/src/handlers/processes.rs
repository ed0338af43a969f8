//! `ps`: the linked processes.

use super::handled::visible;
use crate::daemon::Daemon;
use crate::server::Client;
use patchctl_protocol::client::Reply;

pub fn handle(daemon: &Daemon, client: &Client) -> Reply {
    let links = visible(daemon, client, &[]);
    Reply::Processes { processes: links.iter().map(|link| link.info()).collect() }
}
