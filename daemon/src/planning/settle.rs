//! Answers plan requests: chooses the patches, has each module planned, and does it again without a patch
//! that turns out not to fit, until the rest does.

use super::asker::Asker;
use super::locate;
use super::planner::{Planner, Work, manners};
use super::refusals::in_module;
use super::selection::Selection;
use crate::registry::{Entry, Snapshot, View};
use patchctl_protocol::hook::{ModuleFacts, ModulePlan, Outcome, Phase, PlanReply, PlanRequest};
use patchctl_protocol::plan::PatchRef;
use std::path::Path;
use std::sync::Arc;

impl Planner {
    /// Plans for the modules of a request, in its order.
    #[must_use]
    pub fn answer(&self, snapshot: &Snapshot, asker: &Asker, request: PlanRequest) -> PlanReply {
        let view = snapshot.view(asker.process.uid);
        let PlanRequest { request: number, phase, modules, excluded, .. } = request;
        let works: Vec<Work> =
            modules.into_iter().map(|facts| self.work(facts, phase, asker, &view)).collect();
        let selection = Selection::new(&view, asker, &self.distributions, &excluded).beside(&works);
        let modules = self.settle(&selection, &works, phase, asker, &view);
        PlanReply { request: number, revision: snapshot.revision, modules }
    }

    /// The patches of `selection`'s process for a module, composed: for looking ahead on behalf of a
    /// client.
    #[must_use]
    pub fn selection<'a>(&'a self, view: &'a View, asker: &'a Asker) -> Selection<'a> {
        Selection::new(view, asker, &self.distributions, &[])
    }

    /// Plans all modules; a patch that is refused in one of them is taken out of all, and all are planned
    /// again.
    fn settle(
        &self,
        selection: &Selection<'_>,
        works: &[Work],
        phase: Phase,
        asker: &Asker,
        view: &View,
    ) -> Vec<ModulePlan> {
        loop {
            let mut again = self.look_ahead(selection, works, asker, view);
            let mut plans = Vec::new();
            for work in works {
                let entries = selection.of_module(&work.facts.name);
                let (outcome, refusals) = self.module(work, &entries, phase);
                for (id, refusal) in refusals {
                    again |= selection.refuse(&id, refusal);
                }
                plans.push((work, entries, outcome));
            }
            if !again {
                return plans.into_iter().map(|plan| reply(selection, view, plan)).collect();
            }
        }
    }

    /// Composes the modules of the chosen patches that are not in this request, where they can be found
    /// beside those that are: a patch that won't fit there is not begun here.
    fn look_ahead(&self, selection: &Selection<'_>, works: &[Work], asker: &Asker, view: &View) -> bool {
        let mut again = false;
        for work in works {
            let Some(origin) = &work.facts.origin else { continue };
            for entry in selection.of_module(&work.facts.name) {
                let modules = entry.patch.iter().flat_map(|patch| &patch.modules);
                let others = modules.filter(|name| !works.iter().any(|work| work.facts.name == **name));
                for other in others {
                    let Some(path) = locate::beside(other, &work.facts.name, Path::new(origin)) else {
                        continue;
                    };
                    let facts = ModuleFacts {
                        name: other.clone(),
                        origin: Some(path.to_string_lossy().into_owned()),
                        ..ModuleFacts::default()
                    };
                    let ahead = self.work(facts, Phase::Import, asker, view);
                    if let Some(target) = self.target(&ahead, &selection.of_module(other)) {
                        for (id, refusal) in &target.skipped {
                            again |= selection.refuse(id, in_module(other, refusal));
                        }
                    }
                }
            }
        }
        again
    }
}

fn reply(
    selection: &Selection<'_>,
    view: &View,
    (work, entries, outcome): (&Work, Vec<Arc<Entry>>, Outcome),
) -> ModulePlan {
    let applied = match outcome {
        Outcome::NeedsSource | Outcome::Restore => Vec::new(),
        _ => entries.iter().map(|entry| PatchRef::clone(&entry.reference)).collect(),
    };
    let name = work.facts.name.clone();
    let digest = view.digest_of(&name);
    let manners = manners(&entries);
    ModulePlan { skipped: selection.skipped(&name), name, digest, applied, manners, outcome }
}
