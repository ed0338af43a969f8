//! One link: tells a process its desired state whenever that changes, answers its questions, takes its
//! reports. A process that reads slowly delays nobody but itself: of desired states only the latest is
//! sent, and other messages have a short queue.

use super::directory::{Link, MOST_LINKS, MOST_WAITING};
use super::lines::Lines;
use super::reported::Reported;
use crate::daemon::Daemon;
use crate::planning::Asker;
use crate::registry::Snapshot;
use patchctl_protocol::framing;
use patchctl_protocol::hook::{FromHook, ToHook};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};

/// Serves a link until the process goes, by itself or because it is no longer wanted.
pub async fn serve(
    daemon: Arc<Daemon>,
    asker: Asker,
    mut lines: Lines<OwnedReadHalf>,
    mut writer: OwnedWriteHalf,
) {
    let (outgoing, queue) = mpsc::channel(MOST_WAITING);
    let uid = asker.process.uid;
    let link = Arc::new(Link::new(asker, outgoing));
    if !daemon.links.add(&link) {
        tracing::warn!(pid = link.asker.process.pid, "not linked: {MOST_LINKS} processes are");
        let refused = ToHook::Refused { message: "too many processes are linked".into() };
        let line = framing::to_line(&refused).unwrap_or_default();
        let _ = writer.write_all(&line).await;
        return;
    }
    let pid = link.asker.process.pid;
    tracing::debug!(pid, "linked");
    let telling = tokio::spawn(tell(writer, daemon.keeper.snapshots.clone(), queue, uid));
    tokio::select! {
        () = listen(&daemon, &link, &mut lines) => {}
        () = link.gone.notified() => {}
    }
    telling.abort();
    daemon.links.remove(&link);
    tracing::debug!(pid, "gone");
}

async fn listen(daemon: &Arc<Daemon>, link: &Arc<Link>, lines: &mut Lines<OwnedReadHalf>) {
    loop {
        let line = match lines.next().await {
            Ok(Some(line)) => line,
            Ok(None) => return,
            Err(error) => return tracing::debug!(pid = link.asker.process.pid, "link failed: {error}"),
        };
        let message = serde_json::from_slice(&line.bytes);
        drop(line);
        match message {
            Ok(FromHook::Plan(request)) => {
                link.note(&request.modules);
                let reply = daemon.plan_for(link, request).await;
                link.send(&ToHook::Plans(reply)).await;
            }
            Ok(FromHook::Report(report)) => take(daemon, link, report),
            Ok(FromHook::State(reply)) => link.answer(reply),
            Ok(FromHook::Seen(reply)) => link.saw(reply),
            Ok(FromHook::Tried(reply)) => link.tried(reply),
            Ok(FromHook::Hello(_)) => {}
            Err(error) => {
                let message = format!("malformed message: {error}");
                tracing::warn!(pid = link.asker.process.pid, "{message}");
                return link.send(&ToHook::Refused { message }).await;
            }
        }
    }
}

fn take(daemon: &Arc<Daemon>, link: &Link, report: patchctl_protocol::hook::Report) {
    let reported = Arc::new(Reported::new(report, &daemon.keeper.snapshot()));
    let before = link.reported.send_replace(Arc::clone(&reported));
    let events = reported.events_since(&before, &link.asker.process, link.asker.hello.attached);
    for event in events.iter().filter(|event| matches!(event.name, "fail" | "disabled")) {
        let patch = event.patch.as_deref().unwrap_or_default();
        let detail = event.detail.as_deref().unwrap_or_default();
        tracing::warn!(pid = link.asker.process.pid, "{} {patch}: {detail}", event.name);
    }
    daemon.history.note(events);
}

/// Writes what the process is to know.
async fn tell(
    mut writer: OwnedWriteHalf,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    mut queue: mpsc::Receiver<Arc<[u8]>>,
    uid: u32,
) {
    let mut told = None;
    loop {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        let view = snapshot.view(uid);
        let message = if told.is_none_or(|told| view.changed_at > told) {
            told = Some(snapshot.revision);
            Some(view.message(snapshot.revision))
        } else {
            drop((view, snapshot));
            tokio::select! {
                changed = snapshots.changed() => if changed.is_ok() { None } else { return },
                message = queue.recv() => if message.is_some() { message } else { return },
            }
        };
        if let Some(line) = message
            && writer.write_all(&line).await.is_err()
        {
            return;
        }
    }
}
