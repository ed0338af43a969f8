//! `dis`, `inspect` and `diff` of a place: asks every process for the code it runs there, and adds the
//! module's texts.

use super::diff;
use super::handled::visible;
use crate::daemon::Daemon;
use crate::server::{Client, Link};
use patchctl_protocol::client::{LookReply, LookedProcess, Reply};
use patchctl_protocol::look::{Place, Seen};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Longest deadline that a client may ask for.
const LONGEST: Duration = Duration::from_secs(300);

pub async fn handle(
    daemon: &Arc<Daemon>,
    client: &Client,
    place: Place,
    pids: &[u32],
    deadline_ms: u64,
) -> Reply {
    let deadline = Instant::now() + Duration::from_millis(deadline_ms).min(LONGEST);
    let place = Arc::new(place);
    let mut questions = JoinSet::new();
    for link in visible(daemon, client, pids) {
        questions.spawn(ask(link, Arc::clone(&place), deadline));
    }
    let mut answers = questions.join_all().await;
    answers.sort_by_key(|(_, looked)| looked.process.pid);
    let has_code = |looked: &LookedProcess| matches!(looked.seen, Some(Seen::Code(_)));
    let links = answers.iter().filter(|(_, looked)| has_code(looked)).map(|(link, _)| Arc::clone(link));
    let texts = diff::of_module(daemon, links.collect(), place.module.clone()).await;
    let processes = answers.into_iter().map(|(_, looked)| looked).collect();
    Reply::Look(LookReply { processes, texts })
}

async fn ask(link: Arc<Link>, place: Arc<Place>, deadline: Instant) -> (Arc<Link>, LookedProcess) {
    let seen = match link.look(&place) {
        Some(answer) => timeout_at(deadline, answer).await.ok().and_then(Result::ok),
        None => None,
    };
    let looked = LookedProcess { process: link.info(), seen };
    (link, looked)
}
