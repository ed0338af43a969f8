//! One connection from its first message on: a link, an import's question, or a client's request.

use super::lines::{Line, Lines};
use super::link;
use crate::daemon::Daemon;
use crate::handlers;
use crate::planning::Asker;
use crate::process::Process;
use crate::registry::Author;
use patchctl_protocol::PROTOCOL;
use patchctl_protocol::client::{ErrorKind, ErrorReply, ProcessOutcome, Reply, Request};
use patchctl_protocol::framing;
use patchctl_protocol::hook::{FromHook, Hello, PlanRequest, ToHook};
use patchctl_protocol::socket::{self, Peer};
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// Who connects must say something within this time.
const FIRST_WORD: Duration = Duration::from_secs(10);
/// A client that reads nothing for so long is let go.
const LAST_WORD: Duration = Duration::from_secs(30);

/// Whose language a message is in.
#[derive(Deserialize)]
struct Speaker {
    hook: Option<serde::de::IgnoredAny>,
}

/// A client with its connection.
#[derive(Debug)]
pub struct Client {
    pub process: Process,
    writer: OwnedWriteHalf,
}

impl Client {
    /// Who makes the change, for the history.
    #[must_use]
    pub fn author(&self, reason: &str) -> Author {
        Author {
            uid: self.process.uid,
            pid: self.process.pid,
            command: self.process.command_line(),
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
        }
    }

    /// Tells the client about some processes while it waits, at once. A client that is gone is not missed: the
    /// change stands.
    pub async fn progress(&mut self, outcomes: &[ProcessOutcome]) {
        let line = |outcome: &ProcessOutcome| framing::to_line(&Reply::Progress(outcome.clone()));
        let lines: Vec<u8> = outcomes.iter().filter_map(|outcome| line(outcome).ok()).flatten().collect();
        let _ = self.writer.write_all(&lines).await;
    }
}

/// Serves a connection to its end.
pub async fn serve(daemon: Arc<Daemon>, stream: UnixStream) {
    let Ok(peer) = socket::peer(&stream) else { return };
    let (reader, mut writer) = stream.into_split();
    let mut lines = Lines::new(reader, Arc::clone(&daemon.long_lines));
    let first = match timeout(FIRST_WORD, lines.first()).await {
        Ok(Ok(Some(line))) => line,
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
            return complain(&mut writer, ErrorKind::Invalid, &error.to_string()).await;
        }
        _ => return,
    };
    match serde_json::from_slice::<Speaker>(&first.bytes) {
        Ok(Speaker { hook: Some(_) }) => hook(daemon, peer, first, lines, writer).await,
        Ok(_) => client(&daemon, peer, first, writer).await,
        Err(error) => complain(&mut writer, ErrorKind::Invalid, &format!("malformed message: {error}")).await,
    }
}

async fn hook(
    daemon: Arc<Daemon>,
    peer: Peer,
    first: Line,
    lines: Lines<OwnedReadHalf>,
    mut writer: OwnedWriteHalf,
) {
    if !daemon.access.admits(peer) {
        return refuse(&mut writer, "this daemon serves another user").await;
    }
    let message = serde_json::from_slice(&first.bytes);
    drop(first);
    match message {
        Ok(FromHook::Hello(hello)) if hello.protocol != PROTOCOL => {
            let theirs = hello.protocol;
            refuse(&mut writer, &format!("this daemon speaks protocol {PROTOCOL}, not {theirs}")).await;
        }
        Ok(FromHook::Hello(hello)) => {
            let asker = Asker::new(Process::of_peer(peer), hello);
            link::serve(daemon, asker, lines, writer).await;
        }
        Ok(FromHook::Plan(request)) => import(&daemon, peer, request, lines, writer).await,
        Ok(_) => refuse(&mut writer, "expected hello or plan first").await,
        Err(error) => refuse(&mut writer, &format!("malformed message: {error}")).await,
    }
}

/// An import's own connection: plans, until the hook hangs up.
async fn import(
    daemon: &Arc<Daemon>,
    peer: Peer,
    mut request: PlanRequest,
    mut lines: Lines<OwnedReadHalf>,
    mut writer: OwnedWriteHalf,
) {
    let process = Process::of_peer(peer);
    let link = daemon.links.of_pid(peer.pid).filter(|link| link.asker.process.started == process.started);
    let linked = || link.as_ref().map(|link| link.asker.hello.clone());
    let hello: Hello = request.hello.take().or_else(linked).unwrap_or_default();
    let asker = Arc::new(Asker::new(process, hello));
    loop {
        if let Some(link) = &link {
            link.note(&request.modules);
        }
        let reply = daemon.plan(Arc::clone(&asker), request).await;
        if send(&mut writer, &ToHook::Plans(reply)).await.is_err() {
            return;
        }
        let Ok(Some(line)) = lines.next().await else { return };
        match serde_json::from_slice(&line.bytes) {
            Ok(FromHook::Plan(next)) => request = next,
            _ => return refuse(&mut writer, "expected plan").await,
        }
    }
}

async fn client(daemon: &Arc<Daemon>, peer: Peer, first: Line, mut writer: OwnedWriteHalf) {
    if !daemon.access.admits(peer) {
        let message = format!("uid {} is not served by this daemon", peer.uid);
        return complain(&mut writer, ErrorKind::Denied, &message).await;
    }
    let request: Request = match serde_json::from_slice(&first.bytes) {
        Ok(request) => request,
        Err(error) => {
            return complain(&mut writer, ErrorKind::Invalid, &format!("malformed request: {error}")).await;
        }
    };
    drop(first);
    let mut client = Client { process: Process::of_peer(peer), writer };
    let reply = handlers::handle(daemon, &mut client, request).await.unwrap_or_else(Reply::Error);
    let _ = timeout(LAST_WORD, send(&mut client.writer, &reply)).await;
}

async fn send<M: Serialize>(writer: &mut OwnedWriteHalf, message: &M) -> io::Result<()> {
    writer.write_all(&framing::to_line(message)?).await
}

async fn refuse(writer: &mut OwnedWriteHalf, message: &str) {
    let _ = send(writer, &ToHook::Refused { message: message.to_owned() }).await;
}

async fn complain(writer: &mut OwnedWriteHalf, kind: ErrorKind, message: &str) {
    let error = ErrorReply { kind, message: message.to_owned(), hints: Vec::new(), reason: None };
    let _ = send(writer, &Reply::Error(error)).await;
}
