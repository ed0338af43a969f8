//! `audit`: asks every process what its live functions are, and says so of those that do not answer.

use super::dispatch::visible;
use super::list;
use crate::daemon::Daemon;
use crate::server::{Client, Link};
use patchctl_protocol::client::{AuditReply, AuditedProcess, Reply};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Longest deadline that a client may ask for.
const LONGEST: Duration = Duration::from_secs(300);

pub async fn handle(daemon: &Arc<Daemon>, client: &Client, deadline_ms: u64, pids: &[u32]) -> Reply {
    let deadline = Instant::now() + Duration::from_millis(deadline_ms).min(LONGEST);
    let mut questions = JoinSet::new();
    for link in visible(daemon, client, pids) {
        questions.spawn(ask(link, deadline));
    }
    let mut processes: Vec<AuditedProcess> = questions.join_all().await;
    processes.sort_by_key(|process| process.process.pid);
    let revision = daemon.keeper.snapshot().revision;
    let patches = list::patches(daemon, client).into_iter().filter(|patch| patch.enabled).collect();
    Reply::Audit(AuditReply { revision, processes, patches })
}

async fn ask(link: Arc<Link>, deadline: Instant) -> AuditedProcess {
    let reply = match link.audit() {
        Some(answer) => timeout_at(deadline, answer).await.ok().and_then(Result::ok),
        None => None,
    };
    match reply {
        Some(reply) => AuditedProcess::answered(link.info(), reply),
        None => AuditedProcess { process: link.info(), answered: false, patches: Vec::new(), disabled: None },
    }
}
