//! The links that there are: one for each process whose hook is connected.

use super::questions::Questions;
use super::reported::Reported;
use crate::planning::Asker;
use crate::process::{self, now};
use patchctl_protocol::client::ProcessInfo;
use patchctl_protocol::framing;
use patchctl_protocol::hook::{
    LoaderKind, ModuleFacts, ModulePlan, SeenReply, StateReply, ToHook, TriedReply,
};
use patchctl_protocol::look::{Place, Seen};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// Most processes that are linked at the same time.
pub const MOST_LINKS: usize = 4096;
/// Most modules of a process whose facts are kept.
const MOST_MODULES: usize = 512;
/// Messages that wait for one process, beside its desired state.
pub const MOST_WAITING: usize = 16;

/// A process whose hook is connected.
#[derive(Debug)]
pub struct Link {
    pub asker: Asker,
    pub linked_at: f64,
    pub reported: watch::Sender<Arc<Reported>>,
    outgoing: mpsc::Sender<Arc<[u8]>>,
    /// Told when the process was found to have ended.
    pub gone: Notify,
    audits: Questions<StateReply>,
    looks: Questions<Seen>,
    trials: Questions<TriedReply>,
    modules: Mutex<BTreeMap<String, ModuleFacts>>,
}

impl Link {
    #[must_use]
    pub fn new(asker: Asker, outgoing: mpsc::Sender<Arc<[u8]>>) -> Self {
        Self {
            asker,
            linked_at: now(),
            reported: watch::Sender::default(),
            outgoing,
            gone: Notify::new(),
            audits: Questions::default(),
            looks: Questions::default(),
            trials: Questions::default(),
            modules: Mutex::default(),
        }
    }

    /// Sends a message, waiting for room.
    pub async fn send(&self, message: &ToHook) {
        if let Ok(line) = framing::to_line(message) {
            // A closed queue is a closed link, which its reader notices.
            let _ = self.outgoing.send(line.into()).await;
        }
    }

    /// Sends a message if there is room for it.
    #[must_use]
    pub fn try_send(&self, message: &ToHook) -> bool {
        framing::to_line(message).is_ok_and(|line| self.outgoing.try_send(line.into()).is_ok())
    }

    /// Waits until the connection is closed: the process ended, or was let go.
    pub async fn closed(&self) {
        self.outgoing.closed().await;
    }

    /// Asks what the live functions are; the answer comes by the receiver, or never.
    #[must_use]
    pub fn audit(&self) -> Option<oneshot::Receiver<StateReply>> {
        let (request, answer) = self.audits.ask();
        self.try_send(&ToHook::Audit { request }).then_some(answer)
    }

    /// Passes on the answer to an audit.
    pub fn answer(&self, reply: StateReply) {
        self.audits.answer(reply.request, reply);
    }

    /// Asks for the code at a place; the answer comes by the receiver, or never.
    #[must_use]
    pub fn look(&self, place: &Place) -> Option<oneshot::Receiver<Seen>> {
        let (request, answer) = self.looks.ask();
        self.try_send(&ToHook::Look { request, place: place.clone() }).then_some(answer)
    }

    /// Passes on the answer to a look.
    pub fn saw(&self, reply: SeenReply) {
        self.looks.answer(reply.request, reply.seen);
    }

    /// Asks whether a module's plan could be carried out; the answer comes by the receiver, or never.
    #[must_use]
    pub fn attempt(&self, module: ModulePlan) -> Option<oneshot::Receiver<TriedReply>> {
        let (request, answer) = self.trials.ask();
        self.try_send(&ToHook::Try { request, module: Box::new(module) }).then_some(answer)
    }

    /// Passes on the answer to a trial.
    pub fn tried(&self, reply: TriedReply) {
        self.trials.answer(reply.request, reply);
    }

    /// Remembers what the process said of its modules.
    pub fn note(&self, facts: &[ModuleFacts]) {
        let mut modules = lock(&self.modules);
        for one in facts {
            if modules.len() < MOST_MODULES || modules.contains_key(&one.name) {
                modules.insert(one.name.clone(), ModuleFacts { source: None, ..one.clone() });
            }
        }
    }

    /// What the process last said of a module.
    #[must_use]
    pub fn facts(&self, module: &str) -> Option<ModuleFacts> {
        lock(&self.modules).get(module).filter(|facts| facts.loader != LoaderKind::Native).cloned()
    }

    /// What clients are told of the process.
    #[must_use]
    pub fn info(&self) -> ProcessInfo {
        let Asker { process, hello, .. } = &self.asker;
        ProcessInfo {
            pid: process.pid,
            started: process.started,
            uid: process.uid,
            python: hello.python.clone(),
            prefix: hello.prefix.clone(),
            executable: hello.executable.clone(),
            command: process.command.clone(),
            linked_at: self.linked_at,
            attached: hello.attached,
            revision: self.reported.borrow().revision,
            refusal: hello.refusal.clone(),
        }
    }
}

/// All links.
#[derive(Debug, Default)]
pub struct Links {
    links: Mutex<BTreeMap<(u32, u64), Arc<Link>>>,
}

impl Links {
    /// Adds a link; one that the same process had before is let go. Returns whether there is room.
    #[must_use]
    pub fn add(&self, link: &Arc<Link>) -> bool {
        let mut links = lock(&self.links);
        let key = identity(link);
        if links.len() >= MOST_LINKS && !links.contains_key(&key) {
            return false;
        }
        links.insert(key, Arc::clone(link));
        true
    }

    /// Takes a link out, unless the process has another one by now.
    pub fn remove(&self, link: &Arc<Link>) {
        let mut links = lock(&self.links);
        if links.get(&identity(link)).is_some_and(|there| Arc::ptr_eq(there, link)) {
            links.remove(&identity(link));
        }
    }

    /// Lets go of processes that have ended though their connection is open: a program that they started
    /// holds it.
    pub fn forget_dead(&self) {
        let is_there = |(pid, started): (u32, u64)| {
            // Of another pid namespace, or hidden: only the connection tells.
            pid == 0 || started == 0 || process::started(pid) == Some(started)
        };
        let known: Vec<(u32, u64)> = lock(&self.links).keys().copied().collect();
        let dead: Vec<(u32, u64)> = known.into_iter().filter(|identity| !is_there(*identity)).collect();
        let mut links = lock(&self.links);
        for identity in dead {
            if let Some(link) = links.remove(&identity) {
                link.gone.notify_waiters();
            }
        }
    }

    /// The links there are now, ordered by pid.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Link>> {
        lock(&self.links).values().cloned().collect()
    }

    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.links).len()
    }

    /// The link of a process.
    #[must_use]
    pub fn of_pid(&self, pid: u32) -> Option<Arc<Link>> {
        lock(&self.links).range((pid, 0)..=(pid, u64::MAX)).next_back().map(|(_, link)| Arc::clone(link))
    }
}

fn identity(link: &Link) -> (u32, u64) {
    (link.asker.process.pid, link.asker.process.started)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Process;
    use patchctl_protocol::hook::Hello;

    fn link(pid: u32, started: u64) -> Arc<Link> {
        let process = Process { pid, started, uid: 0, command: Vec::new() };
        Arc::new(Link::new(Asker::new(process, Hello::default()), mpsc::channel(1).0))
    }

    #[test]
    fn there_is_room_for_so_many_processes_and_again_once_one_has_gone() {
        let links = Links::default();
        let most = u32::try_from(MOST_LINKS).expect("is small");
        let all: Vec<_> = (1..=most).map(|pid| link(pid, 1)).collect();
        assert!(all.iter().all(|one| links.add(one)));
        assert!(!links.add(&link(most + 1, 1)));
        assert_eq!(links.count(), MOST_LINKS);
        assert!(links.of_pid(most + 1).is_none());
        assert!(links.add(&link(most, 1)), "a process that links anew needs no more room");
        links.remove(&all[0]);
        assert!(links.add(&link(most + 1, 1)));
    }

    #[test]
    fn a_link_that_was_replaced_takes_nothing_out() {
        let (links, first, second) = (Links::default(), link(7, 1), link(7, 1));
        assert!(links.add(&first) && links.add(&second));
        links.remove(&first);
        assert!(links.of_pid(7).is_some_and(|there| Arc::ptr_eq(&there, &second)));
    }
}
