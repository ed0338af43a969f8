//! Plans one module with given patches: composes its target, and plans what leads there. Which patches these
//! are is settled in [`super::settle`].

use super::asker::Asker;
use super::cache::Cache;
use super::distributions::Distributions;
use super::module::Original;
use super::refusals::{Refused, in_module, unsupported};
use super::source::Sources;
use super::sourceless;
use super::target::{Target, TargetKey};
use super::texts::Texts;
use crate::access::Access;
use crate::registry::{Entry, View};
use patchctl_planner::{Patch, PlanOptions, add_edits};
use patchctl_protocol::digest::Digest;
use patchctl_protocol::hook::{ModuleFacts, Outcome, Phase};
use patchctl_protocol::location::Location;
use patchctl_protocol::plan::{Manner, Plan};
use patchctl_protocol::state::{Reason, Refusal};
use std::path::Path;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PlanKey {
    target: TargetKey,
    running: Digest,
    phase: Phase,
}

type Planned = Result<Arc<Plan>, Refusal>;

/// The planning side of the daemon, with everything that it remembers.
#[derive(Debug)]
pub struct Planner {
    pub texts: Texts,
    pub sources: Sources,
    pub(super) distributions: Distributions,
    targets: Cache<TargetKey, Arc<Target>>,
    plans: Cache<PlanKey, Planned>,
}

/// One module of a request while it is worked on.
pub struct Work {
    pub facts: ModuleFacts,
    pub original: Original,
    pub is_package: bool,
}

impl Planner {
    #[must_use]
    pub fn new(location: &Location, access: Access) -> Self {
        const TARGETS: usize = 512 << 10;
        const PLANS: usize = 2 << 20;
        Self {
            texts: Texts::new(location),
            sources: Sources::new(access),
            distributions: Distributions::default(),
            targets: Cache::new(TARGETS),
            plans: Cache::new(PLANS),
        }
    }

    /// A module of a request, with its original found.
    #[must_use]
    pub fn work(&self, facts: ModuleFacts, phase: Phase, asker: &Asker, view: &View) -> Work {
        let from = (&self.sources, &self.texts);
        let original = Original::find(&facts, phase, asker.process.uid, view, from);
        let inner = format!("{}.", facts.name);
        let is_package = match &facts.origin {
            Some(origin) => Path::new(origin).file_stem().is_some_and(|stem| stem == "__init__"),
            None => view.module_names().any(|name| name.starts_with(&inner)),
        };
        Work { facts, original, is_package }
    }

    /// The target of a module with these patches; `None` if its text is not there.
    #[must_use]
    pub fn target(&self, work: &Work, entries: &[Arc<Entry>]) -> Option<Arc<Target>> {
        let key = key(work, work.original.digest()?, entries);
        let compose = || Arc::new(Target::compose(&key, entries, &self.texts));
        Some(self.targets.get(&key, compose, |target| target.weight()))
    }

    /// What to do with one module, and which patches can't be had there.
    #[must_use]
    pub fn module(&self, work: &Work, entries: &[Arc<Entry>], phase: Phase) -> (Outcome, Refused) {
        let all = |reason, detail: &str| {
            let refusal = Refusal::new(reason, format!("{} {detail}", work.facts.name));
            entries.iter().map(|entry| (entry.id().to_owned(), refusal.clone())).collect::<Vec<_>>()
        };
        match &work.original {
            Original::Native => (Outcome::Unchanged, all(Reason::NotPythonCode, "is no Python code")),
            Original::Unread if entries.is_empty() && work.facts.running.is_none() => {
                (Outcome::Unchanged, Vec::new())
            }
            Original::Unread if work.facts.running.is_none() && sourceless::only_edits(entries) => {
                sourceless::plan(&work.facts, entries)
            }
            Original::Unread => (Outcome::NeedsSource, Vec::new()),
            Original::Lost => (Outcome::Restore, Vec::new()),
            Original::Sourceless => sourceless::plan(&work.facts, entries),
            Original::Text(original) | Original::New(original) => {
                let Some(target) = self.target(work, entries) else {
                    return (Outcome::NeedsSource, Vec::new());
                };
                if !target.skipped.is_empty() {
                    let name = &work.facts.name;
                    let refused = |(id, refusal): &(String, Refusal)| (id.clone(), in_module(name, refusal));
                    return (Outcome::Unchanged, target.skipped.iter().map(refused).collect());
                }
                self.with_source(work, original, &target, entries, phase)
            }
        }
    }

    fn with_source(
        &self,
        work: &Work,
        original: &Digest,
        target: &Target,
        entries: &[Arc<Entry>],
        phase: Phase,
    ) -> (Outcome, Refused) {
        let running = work.facts.running.as_ref().unwrap_or(original);
        let edits =
            entries.iter().filter_map(|entry| entry.patch.as_ref()).any(|patch| !patch.changes_source());
        if *running == target.digest && !edits {
            return (Outcome::Unchanged, Vec::new());
        }
        let (Some(text), true) = (self.texts.get(running), self.texts.get(original).is_some()) else {
            return (Outcome::Restore, Vec::new());
        };
        let key = PlanKey { target: key(work, original, entries), running: running.clone(), phase };
        let compute = || self.plan(work, original, &text, target, entries, phase);
        match self.plans.get(&key, compute, weigh) {
            // The way back always exists: the originals are kept in the process.
            Err(_) if entries.is_empty() => (Outcome::Restore, Vec::new()),
            Err(refusal) => (Outcome::Unchanged, vec![(self.culprit(work, entries, phase), refusal)]),
            Ok(plan) => {
                let refused = if phase == Phase::Live { unsupported(&plan, entries) } else { Vec::new() };
                (Outcome::Plan(Box::new(Plan::clone(&plan))), refused)
            }
        }
    }

    fn plan(
        &self,
        work: &Work,
        original: &Digest,
        running: &str,
        target: &Target,
        entries: &[Arc<Entry>],
        phase: Phase,
    ) -> Planned {
        let lost = || Refusal::new(Reason::Internal, format!("a text of {} was lost", work.facts.name));
        let original_text = self.texts.get(original).ok_or_else(lost)?;
        let target_text = self.texts.get(&target.digest).ok_or_else(lost)?;
        let renew: Vec<String> = entries
            .iter()
            .filter_map(|entry| entry.patch.as_ref())
            .flat_map(|patch| patch.header.renew.iter().cloned())
            .collect();
        let texts = patchctl_planner::Texts {
            module: &work.facts.name,
            is_package: work.is_package,
            original: &original_text,
            running,
            target: &target_text,
            contributions: &target.contributions,
        };
        let mut plan = patchctl_planner::plan(&texts, &PlanOptions { renew: &renew, phase })?;
        plan.original = original.clone();
        plan.target = target.digest.clone();
        plan.filename.clone_from(&target.filename);
        let patches: Vec<&Patch> = entries.iter().filter_map(|entry| entry.patch.as_deref()).collect();
        add_edits(&mut plan, &patches)?;
        if matches!(work.original, Original::New(_)) && phase == Phase::Import {
            plan.source = Some(target_text.as_ref().to_owned());
        }
        Ok(Arc::new(plan))
    }

    /// The patch without which the ones before it can be planned: the shortest row of patches that fails
    /// ends with it.
    fn culprit(&self, work: &Work, entries: &[Arc<Entry>], phase: Phase) -> String {
        let fails = |count: &usize| {
            let row = &entries[..*count];
            let Some(original) = work.original.digest() else { return false };
            let (Some(target), Some(text)) = (self.target(work, row), self.texts.get(original)) else {
                return false;
            };
            self.plan(work, original, &text, &target, row, phase).is_err()
        };
        let count = (1..entries.len()).find(fails).unwrap_or(entries.len());
        entries.get(count.saturating_sub(1)).map(|entry| entry.id().to_owned()).unwrap_or_default()
    }
}

fn key(work: &Work, original: &Digest, entries: &[Arc<Entry>]) -> TargetKey {
    TargetKey {
        module: work.facts.name.clone(),
        is_package: work.is_package,
        original: original.clone(),
        patches: entries.iter().map(|entry| Arc::clone(&entry.reference)).collect(),
    }
}

/// How these patches are brought in, where their headers say more than that they are.
pub fn manners(entries: &[Arc<Entry>]) -> Vec<Manner> {
    let manner = |entry: &Arc<Entry>| Some(entry.patch.as_ref()?.header.manner(entry.id()));
    let plain = |manner: &Manner| *manner == Manner { patch: manner.patch.clone(), ..Manner::default() };
    entries.iter().filter_map(manner).filter(|manner| !plain(manner)).collect()
}

/// Estimated memory of a plan in bytes.
fn weigh(planned: &Planned) -> usize {
    let Ok(plan) = planned else { return 512 };
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let steps: usize = plan.steps.iter().map(|step| length(&step.source) + 256).sum();
    let functions: usize = plan.functions.iter().map(|function| length(&function.source) + 256).sum();
    let edits = plan.edits.len() * 512;
    edits
        + plan.new_skeleton.len()
        + length(&plan.old_skeleton)
        + length(&plan.source)
        + steps
        + functions
        + 512
}
