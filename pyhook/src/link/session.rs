//! The conversation on one connection: desired state in, plan requests and reports out. It blocks on
//! nothing but the socket: a newer desired state may arrive while a plan is awaited.

use super::wire::{Event, Wire};
use super::{gate, signal};
use crate::outdated::{self, Outdated};
use crate::{desired, fault, reconcile};
use patchctl_protocol::hook::{
    Desired, FromHook, Hello, Phase, PlanReply, PlanRequest, Report, SeenReply, StateReply, ToHook,
    TriedReply,
};
use patchctl_protocol::look::Seen;
use patchctl_protocol::plan::PatchRef;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How a conversation ended.
pub enum End {
    Stopped,
    Lost,
    /// The daemon let this process go; all patches are out.
    Detached,
}

/// One connection and what is under way on it.
pub struct Session {
    wire: Wire,
    attached: bool,
    /// Number of the plan request that awaits its reply.
    awaited: Option<u64>,
    requests: u64,
    /// The patches that it asked to plan without.
    excluded: Vec<PatchRef>,
    /// Something changed while a reply was awaited.
    again: bool,
    /// A module with patches is being imported right now: look again soon.
    unfinished: bool,
    /// When to look without being asked again.
    due: Option<Instant>,
    /// That is due only because modules may have come past our finder.
    watching: bool,
    /// How long to wait for the script's body to come further.
    patience: Duration,
    refused: bool,
}

/// How soon to look again for what the script's body has still to come to: twice as late each time.
const FIRST_PATIENCE: Duration = Duration::from_millis(1);
const LAST_PATIENCE: Duration = Duration::from_millis(500);
/// How soon to look for what may wait a moment.
const SOON: Duration = Duration::from_millis(20);
/// How often to look for modules that come past our finder.
const WATCH_WAIT: Duration = Duration::from_millis(200);
/// How soon to look again for a module whose import was under way.
const UNFINISHED_WAIT: Duration = Duration::from_millis(5);

impl Session {
    /// Says hello.
    ///
    /// # Errors
    /// That the connection is lost.
    pub fn open(stream: UnixStream, hello: &Hello) -> io::Result<Self> {
        let mut wire = Wire::new(stream)?;
        wire.send(&FromHook::Hello(hello.clone()))?;
        Ok(Self {
            wire,
            attached: hello.attached,
            awaited: None,
            requests: 0,
            excluded: Vec::new(),
            again: false,
            unfinished: false,
            due: None,
            watching: false,
            patience: FIRST_PATIENCE,
            refused: false,
        })
    }

    /// Whether the daemon said that it can't serve this hook.
    pub fn was_refused(&self) -> bool {
        self.refused
    }

    /// Converses until the thread is to stop or the connection is lost.
    pub fn converse(&mut self, wake: &OwnedFd) -> End {
        loop {
            if signal::is_to_end() {
                return End::Stopped;
            }
            let step = match self.wire.wait(wake, self.timeout()) {
                Ok(Event::Message(message)) => self.answer(*message),
                Ok(Event::Woken) if signal::is_to_end() => return End::Stopped,
                Ok(Event::Woken) if !signal::is_urgent() => {
                    if std::mem::take(&mut self.watching) {
                        self.due = None;
                    }
                    self.due.get_or_insert_with(|| Instant::now() + SOON);
                    Ok(None)
                }
                Ok(Event::Woken) => self.look().map(|()| None),
                Ok(Event::TimedOut) => self.look_again().map(|()| None),
                Err(error) => Err(error),
            };
            let step = if fault::take_fresh() { self.withdraw().map(|()| None) } else { step };
            match step {
                Ok(None) => {}
                Ok(Some(end)) => return end,
                Err(_) => return End::Lost,
            }
        }
    }

    /// How long to wait for something to happen; `None` is for ever.
    fn timeout(&self) -> Option<Duration> {
        let due = self.due.map(|due| due.saturating_duration_since(Instant::now()));
        let unfinished = self.unfinished.then_some(UNFINISHED_WAIT);
        [unfinished, due, reconcile::next_attempt()].into_iter().flatten().min()
    }

    fn answer(&mut self, message: ToHook) -> io::Result<Option<End>> {
        match message {
            ToHook::Desired(told) => {
                let modules = if fault::first().is_some() { Vec::new() } else { told.modules };
                let told = Desired { modules, ..told };
                gate::apart(|| reconcile::forget(&desired::set(told)));
                self.look()?;
            }
            ToHook::Plans(reply) => self.carry_out(reply)?,
            ToHook::Audit { request } => {
                let report = gate::inside(reconcile::audit)
                    .unwrap_or_else(|| Report { disabled: fault::first(), ..Report::default() });
                self.wire.send(&FromHook::State(StateReply { request, report }))?;
            }
            ToHook::Look { request, place } => {
                let gone = || Seen::Failed { detail: "the interpreter is going away".to_owned() };
                let seen = gate::inside(|py| reconcile::look(py, &place)).unwrap_or_else(gone);
                self.wire.send(&FromHook::Seen(SeenReply { request, seen }))?;
            }
            ToHook::Try { request, module } => {
                let failed = gate::inside(|py| reconcile::attempt(py, *module)).flatten();
                let (patches, refusal) =
                    failed.map_or((Vec::new(), None), |(patches, why)| (patches, Some(why)));
                self.wire.send(&FromHook::Tried(TriedReply { request, patches, refusal }))?;
            }
            ToHook::Detach => {
                desired::set(Desired::default());
                gate::inside(reconcile::withdraw);
                self.report()?;
                return Ok(Some(End::Detached));
            }
            ToHook::Refused { .. } => {
                self.refused = true;
                return Ok(Some(End::Lost));
            }
        }
        Ok(None)
    }

    /// After a fault of ours: puts the originals back, and tells.
    fn withdraw(&mut self) -> io::Result<()> {
        self.awaited = None;
        let revision = desired::with(|known| known.revision);
        desired::set(Desired { revision, ..Desired::default() });
        gate::inside(reconcile::withdraw);
        self.report()
    }

    /// Looks after modules that were being imported, and patches that wait for their moment.
    fn look_again(&mut self) -> io::Result<()> {
        let attempt = reconcile::next_attempt().is_some_and(|wait| wait.is_zero());
        let ready = attempt && gate::inside(reconcile::tick).unwrap_or_default();
        let is_due = self.due.is_some_and(|due| due <= Instant::now());
        match () {
            () if ready || self.unfinished || is_due && !self.watching => self.look(),
            () if is_due => self.seek(false),
            () => Ok(()),
        }
    }

    /// Asks for the plans of all loaded modules that do not run their target; reports if there are none.
    fn look(&mut self) -> io::Result<()> {
        self.seek(true)
    }

    /// The same; `tell` says whether to report if there are none.
    fn seek(&mut self, tell: bool) -> io::Result<()> {
        self.due = None;
        self.watching = false;
        if self.awaited.is_some() {
            self.again = true;
            return Ok(());
        }
        let Some(found) = gate::inside(|py| outdated::find(py, self.attached)) else { return Ok(()) };
        self.unfinished = found.unfinished;
        if found.overtaken {
            self.watching = true;
            self.due = Some(Instant::now() + WATCH_WAIT);
        }
        if found.modules.is_empty() {
            return if tell { self.report() } else { Ok(()) };
        }
        self.ask(found)
    }

    fn ask(&mut self, found: Outdated) -> io::Result<()> {
        self.requests += 1;
        self.awaited = Some(self.requests);
        self.again = false;
        self.excluded = reconcile::excluded();
        self.wire.send(&FromHook::Plan(PlanRequest {
            request: self.requests,
            phase: Phase::Live,
            modules: found.modules,
            excluded: self.excluded.clone(),
            hello: Some(found.hello),
        }))
    }

    fn carry_out(&mut self, reply: PlanReply) -> io::Result<()> {
        if self.awaited != Some(reply.request) {
            return Ok(());
        }
        self.awaited = None;
        if self.excluded != reconcile::excluded() {
            // What failed or waited when this was asked is to be tried again.
            return self.look();
        }
        let Some(verdict) = gate::inside(|py| reconcile::carry_out(py, &reply)) else {
            return Ok(());
        };
        let patience = std::mem::replace(&mut self.patience, FIRST_PATIENCE);
        match verdict {
            reconcile::Verdict::Early => {
                self.due = Some(Instant::now() + patience);
                self.patience = (patience * 2).min(LAST_PATIENCE);
                if self.again { self.look() } else { self.report() }
            }
            reconcile::Verdict::Done if !self.again => self.report(),
            reconcile::Verdict::Done | reconcile::Verdict::Replan => self.look(),
            reconcile::Verdict::NeedSource(names) => {
                let found = gate::inside(|py| outdated::with_source(py, self.attached, &names));
                found.map_or(Ok(()), |found| self.ask(found))
            }
        }
    }

    fn report(&mut self) -> io::Result<()> {
        match gate::inside(reconcile::report) {
            Some(report) => self.wire.send(&FromHook::Report(report)),
            None => Ok(()),
        }
    }
}
