//! What a process last reported, in little memory: patches that only wait for their module are not kept.

use crate::history::Event;
use crate::process::Process;
use crate::registry::Snapshot;
use patchctl_protocol::hook::{PatchReport, Report};
use patchctl_protocol::plan::{PatchRef, Stale};
use patchctl_protocol::state::{Refusal, State};
use std::sync::Arc;

/// How the history marks what happens in a process that was attached to.
const ATTACHED: &str = "attached";

/// One patch in one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchState {
    pub patch: Arc<PatchRef>,
    pub state: State,
    pub refusal: Option<Box<Refusal>>,
    pub functions: u32,
    pub stale: Box<[Stale]>,
    /// As in [`PatchReport`].
    pub forced: Option<Box<str>>,
}

/// The last report of a process.
#[derive(Clone, Debug, Default)]
pub struct Reported {
    pub revision: u64,
    /// Sorted by id.
    pub patches: Vec<PatchState>,
    pub pause_us: u64,
    pub disabled: Option<String>,
    /// What patches that are gone left behind, by id.
    pub left: Vec<(String, Box<[Stale]>)>,
}

impl Reported {
    #[must_use]
    pub fn new(report: Report, snapshot: &Snapshot) -> Self {
        let Report { revision, patches, pause_us, disabled, left, .. } = report;
        let left = left.into_iter().map(|left| (left.patch.id, left.stale.into_boxed_slice())).collect();
        let known =
            patches.into_iter().filter(|patch| patch.state != State::Waiting || patch.refusal.is_some());
        let mut patches: Vec<PatchState> = known.map(|patch| state(patch, snapshot)).collect();
        patches.sort_by(|a, b| a.patch.id.cmp(&b.patch.id));
        patches.shrink_to_fit();
        Self { revision, patches, pause_us, disabled, left }
    }

    /// A patch's state; `None` if it waits or is not in the process.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&PatchState> {
        let index = self.patches.binary_search_by(|patch| patch.patch.id.as_str().cmp(id)).ok()?;
        self.patches.get(index)
    }

    /// What a patch that is gone left behind.
    #[must_use]
    pub fn left(&self, id: &str) -> Vec<Stale> {
        let own = self.left.iter().filter(|(patch, _)| patch == id);
        own.flat_map(|(_, stale)| stale.iter().cloned()).collect()
    }

    /// The events that lie between the report before and this one; those of a process that was attached to
    /// say so.
    #[must_use]
    pub fn events_since(&self, before: &Self, process: &Process, attached: bool) -> Vec<Event> {
        let mut events = self.changes_since(before, process);
        for event in events.iter_mut().filter(|_| attached) {
            let detail = event.detail.take().map(|detail| format!("{ATTACHED}; {detail}"));
            event.detail = Some(detail.unwrap_or_else(|| ATTACHED.to_owned()));
        }
        events
    }

    fn changes_since(&self, before: &Self, process: &Process) -> Vec<Event> {
        let mut events = Vec::new();
        for patch in &self.patches {
            let old = before.find(&patch.patch.id);
            if old.is_none_or(|old| old.patch != patch.patch || outcome(old.state) != outcome(patch.state)) {
                let detail = patch.refusal.as_ref().map(ToString::to_string);
                events.extend(outcome(patch.state).map(|name| event(name, &patch.patch, detail, process)));
            }
            let forced = patch.forced.as_ref().filter(|_| old.is_none_or(|old| old.forced != patch.forced));
            events
                .extend(forced.map(|holder| event("force", &patch.patch, Some(holder.to_string()), process)));
        }
        let gone = before.patches.iter().filter(|old| {
            outcome(old.state) == Some("apply")
                && self.find(&old.patch.id).is_none_or(|new| outcome(new.state) != Some("apply"))
        });
        events.extend(gone.map(|old| event("unapply", &old.patch, None, process)));
        if let Some(fault) = self.disabled.as_ref().filter(|_| before.disabled.is_none()) {
            let event = Event { detail: Some(fault.clone()), ..of_process(Event::new("disabled"), process) };
            events.push(event);
        }
        events
    }
}

/// Name of the event that a state is the outcome of.
fn outcome(state: State) -> Option<&'static str> {
    match state {
        State::Active | State::Draining => Some("apply"),
        State::Skipped => Some("skip"),
        State::Failed => Some("fail"),
        State::Drifted => Some("drift"),
        State::Waiting | State::Unanswered => None,
    }
}

fn event(name: &'static str, patch: &PatchRef, detail: Option<String>, process: &Process) -> Event {
    let event = Event {
        patch: Some(patch.id.clone()),
        digest: Some(patch.digest.clone()),
        detail,
        ..Event::new(name)
    };
    of_process(event, process)
}

fn of_process(event: Event, process: &Process) -> Event {
    Event { uid: Some(process.uid), pid: Some(process.pid), command: Some(process.command_line()), ..event }
}

fn state(report: PatchReport, snapshot: &Snapshot) -> PatchState {
    let functions = report.modules.iter().map(|module| module.functions.len()).sum::<usize>();
    PatchState {
        patch: snapshot.intern(&report.patch),
        state: report.state,
        refusal: report.refusal.map(Box::new),
        forced: report.forced.map(String::into_boxed_str),
        functions: u32::try_from(functions).unwrap_or(u32::MAX),
        stale: report.modules.into_iter().flat_map(|module| module.stale).collect(),
    }
}
