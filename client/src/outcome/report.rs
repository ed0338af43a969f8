//! A change's report: its lines or its JSON document, and the hints that follow from it.

use super::summary::{Summary, Verdict};
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{DIM, STRONG, WARN, paint};
use crate::time::pause;
use crate::wording::{self, count};
use patchctl_protocol::client::{Changed, PatchInfo, ProcessOutcome};
use patchctl_protocol::state::{Reason, State};
use serde::Serialize;

/// The JSON document of a change.
#[derive(Serialize)]
struct Document<'a> {
    dry_run: bool,
    #[serde(flatten)]
    changed: &'a Changed,
    summary: Summary,
}

/// A change that was asked for, for its report.
pub struct Report<'a> {
    /// What was done, as in `added`.
    pub verb: &'a str,
    pub dry_run: bool,
    /// Whether the daemon waited for the processes.
    pub waited: bool,
    pub taking_out: bool,
}

impl Report<'_> {
    /// Prints it and gives the exit code.
    ///
    /// # Errors
    /// That it can't be printed.
    pub fn print(&self, changed: &Changed, output: &mut Output) -> Result<Exit> {
        let summary = Summary::of(&changed.processes);
        if output.is_json() {
            output.document(&Document { dry_run: self.dry_run, changed, summary })?;
            return Ok(summary.exit(self.waited));
        }
        let mut text = String::new();
        for patch in &changed.patches {
            text.push_str(&self.headline(patch, changed.revision));
        }
        for note in &changed.notes {
            text.push_str(&format!("  {} {note}\n", paint(DIM, "note:")));
        }
        let several = changed.patches.len() > 1;
        for outcome in &changed.processes {
            push_outcome(&mut text, outcome, several);
        }
        match changed.processes.is_empty() {
            true => text.push_str("no linked process is concerned\n"),
            false => text.push_str(&format!("{}\n", summary.sentence(self.taking_out))),
        }
        output.text(&text)?;
        next_steps(&changed.processes, output);
        Ok(summary.exit(self.waited))
    }

    fn headline(&self, patch: &PatchInfo, revision: u64) -> String {
        let would = if self.dry_run { "would be " } else { "" };
        let modules = patch.modules.join(", ");
        let at = if self.dry_run { String::new() } else { format!(", revision {revision}") };
        format!("{} {would}{} ({modules}{at})\n", paint(STRONG, &patch.id), self.verb)
    }
}

fn push_outcome(text: &mut String, outcome: &ProcessOutcome, several: bool) {
    let verdict = Verdict::of(outcome);
    let ProcessOutcome { process, .. } = outcome;
    let word = paint(verdict.style(), &format!("{:<10}", verdict.word()));
    let command = wording::command(process);
    text.push_str(&format!("  {word} {:>7}  Python {:<8} {command}", process.pid, process.python));
    if several {
        text.push_str(&format!("  {}", outcome.patch.id));
    }
    text.push_str(&details(outcome));
    text.push('\n');
    for stale in &outcome.stale {
        let line = format!("stale: {}", wording::stale(stale));
        text.push_str(&format!("  {:<10} {:>7}  {}\n", "", "", paint(WARN, &line)));
    }
}

fn details(outcome: &ProcessOutcome) -> String {
    let mut parts = Vec::new();
    if outcome.functions > 0 {
        parts.push(count(outcome.functions as usize, "function"));
    }
    match outcome.state {
        Some(State::Draining) => parts.push("old code still runs in a frame".into()),
        Some(State::Waiting) if outcome.refusal.is_some() => parts.push("not at this moment".into()),
        Some(State::Waiting) => parts.push("module not imported yet".into()),
        Some(State::Unanswered) => parts.push("no answer in time".into()),
        _ => {}
    }
    if let Some(holder) = &outcome.forced {
        parts.push(format!("by force, held by {holder}"));
    }
    if outcome.pause_us > 0 {
        parts.push(format!("pause {}", pause(outcome.pause_us)));
    }
    if let Some(refusal) = &outcome.refusal {
        parts.push(wording::refusal(refusal));
    }
    if parts.is_empty() { String::new() } else { format!("  {}", paint(DIM, &parts.join(", "))) }
}

/// Says, once for each reason, what to do about it; and once what to do about stale values.
fn next_steps(outcomes: &[ProcessOutcome], output: &mut Output) {
    let mut said: Vec<Reason> = Vec::new();
    for refusal in outcomes.iter().filter_map(|outcome| outcome.refusal.as_ref()) {
        if !said.contains(&refusal.reason) {
            said.push(refusal.reason);
            output.hint(format_args!("{}: {}", refusal.reason, refusal.reason.next_step()));
        }
    }
    let has_stale = |gone: bool| {
        let mut outcomes = outcomes.iter().filter(|outcome| outcome.state.is_none() == gone);
        outcomes.any(|outcome| !outcome.stale.is_empty())
    };
    if has_stale(false) {
        output.hint(
            "stale values were computed by the old code and stay: `--renew NAME` or `--renew all` computes anew what \
             statements of the module computed, `--clear-caches` empties caches, the next start does the rest",
        );
    }
    if has_stale(true) {
        output.hint("stale values were computed with the patch and stay until the process starts again");
    }
}
