//! Trials of edits: only the process itself has the code that they change, so it is asked whether they fit.

use crate::planning::{Planner, manners};
use crate::registry::{Entry, Snapshot};
use crate::server::Link;
use patchctl_protocol::client::CheckedModule;
use patchctl_protocol::hook::{ModulePlan, Outcome};
use patchctl_protocol::plan::PatchRef;
use std::time::Duration;
use tokio::time::timeout;

/// How long a process may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Has a process try the plan of a module, if it holds edits and the process has the module in the state that
/// the plan starts from.
pub async fn attempt(
    planner: &Planner,
    link: &Link,
    snapshot: &Snapshot,
    entry: &Entry,
    checked: &mut CheckedModule,
) {
    let name = &checked.module;
    let as_planned = link.facts(name).is_none_or(|facts| facts.running.is_none());
    let Some(plan) = checked.plan.as_ref().filter(|plan| as_planned && !plan.edits.is_empty()) else {
        return;
    };
    let view = snapshot.view(link.asker.process.uid);
    let applied = planner.selection(&view, &link.asker).of_module(name);
    let module = ModulePlan {
        name: name.clone(),
        digest: view.digest_of(name),
        applied: applied.iter().map(|entry| PatchRef::clone(&entry.reference)).collect(),
        skipped: Vec::new(),
        manners: manners(&applied),
        outcome: Outcome::Plan(Box::new(plan.clone())),
    };
    let Some(answer) = link.attempt(module) else { return };
    let Ok(Ok(tried)) = timeout(PATIENCE, answer).await else {
        return checked.notes.push("the process did not say in time whether the edits fit".to_owned());
    };
    let own = tried.patches.is_empty() || tried.patches.iter().any(|id| id == entry.id());
    match tried.refusal {
        Some(refusal) if own => {
            checked.refusal = Some(refusal);
            checked.plan = None;
        }
        Some(refusal) => checked.notes.push(format!("{}: {refusal}", tried.patches.join(", "))),
        None => {}
    }
}
