//! What became of a change in the processes: its lines, its summary, its exit code. Asking for the change
//! is up to the commands.

use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{BAD, DIM, GOOD, STRONG, WARN, paint};
use crate::time::pause;
use crate::wording::{self, count};
use anstyle::Style;
use patchctl_protocol::client::{Changed, PatchInfo, ProcessOutcome};
use patchctl_protocol::state::{Reason, State};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a process's outcomes come down to, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Failed,
    Unanswered,
    /// Skipped although the process has the module.
    Mismatch,
    /// Skipped with nothing to do, such as a process that the patch is not meant for.
    PassedOver,
    Patched,
    Unpatched,
    Waiting,
}

impl Verdict {
    fn of(outcome: &ProcessOutcome) -> Self {
        match outcome.state {
            None => Self::Unpatched,
            Some(State::Active | State::Draining) => Self::Patched,
            Some(State::Waiting) => Self::Waiting,
            Some(State::Failed | State::Drifted) => Self::Failed,
            Some(State::Unanswered) => Self::Unanswered,
            Some(State::Skipped) if nothing_to_do(outcome) => Self::PassedOver,
            Some(State::Skipped) => Self::Mismatch,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unanswered => "unanswered",
            Self::Mismatch | Self::PassedOver => "skipped",
            Self::Patched => "patched",
            Self::Unpatched => "unpatched",
            Self::Waiting => "waiting",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Failed | Self::Unanswered => BAD,
            Self::Mismatch | Self::PassedOver | Self::Waiting => WARN,
            Self::Patched | Self::Unpatched => GOOD,
        }
    }
}

fn nothing_to_do(outcome: &ProcessOutcome) -> bool {
    let reason = outcome.refusal.as_ref().map(|refusal| refusal.reason);
    let harmless =
        [Reason::OtherProcess, Reason::Disabled, Reason::Expired, Reason::OptedOut, Reason::AlreadyApplied];
    reason.is_some_and(|reason| harmless.contains(&reason))
}

/// How many processes came to what; a process counts once, for the worst of its outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub patched: usize,
    #[serde(skip_serializing_if = "is_zero")]
    pub unpatched: usize,
    pub waiting: usize,
    pub skipped: usize,
    pub failed: usize,
    #[serde(skip_serializing_if = "is_zero")]
    pub unanswered: usize,
    /// Of the skipped, those that have the module and did not take the patch.
    #[serde(skip)]
    mismatched: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Summary {
    /// Counts the processes of a change.
    #[must_use]
    pub fn of(outcomes: &[ProcessOutcome]) -> Self {
        let mut worst: BTreeMap<(u32, u64), Verdict> = BTreeMap::new();
        for outcome in outcomes {
            let verdict = Verdict::of(outcome);
            let identity = (outcome.process.pid, outcome.process.started);
            worst.entry(identity).and_modify(|known| *known = verdict.min(*known)).or_insert(verdict);
        }
        let mut summary = Self::default();
        for verdict in worst.into_values() {
            summary.count(verdict);
        }
        summary
    }

    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Failed => self.failed += 1,
            Verdict::Unanswered => self.unanswered += 1,
            Verdict::Patched => self.patched += 1,
            Verdict::Unpatched => self.unpatched += 1,
            Verdict::Waiting => self.waiting += 1,
            Verdict::PassedOver => self.skipped += 1,
            Verdict::Mismatch => {
                self.skipped += 1;
                self.mismatched += 1;
            }
        }
    }

    /// The exit code of the change: refused if every process that has the module refused, failed if some
    /// did or, where answers were waited for, did not answer.
    #[must_use]
    pub fn exit(&self, waited: bool) -> Exit {
        let refused = self.failed + self.mismatched;
        let silent = if waited { self.unanswered } else { 0 };
        match (refused, self.patched + self.unpatched + silent) {
            (0, _) if silent == 0 => Exit::Ok,
            (1.., 0) => Exit::Refused,
            _ => Exit::Failed,
        }
    }

    fn sentence(&self, taking_out: bool) -> String {
        let done = if taking_out { (self.unpatched, "unpatched") } else { (self.patched, "patched") };
        let mut parts = vec![done];
        if taking_out && self.patched > 0 {
            parts.push((self.patched, "patched"));
        }
        parts.extend([(self.waiting, "waiting"), (self.skipped, "skipped"), (self.failed, "failed")]);
        if self.unanswered > 0 {
            parts.push((self.unanswered, "unanswered"));
        }
        parts.iter().map(|(number, word)| format!("{number} {word}")).collect::<Vec<_>>().join(", ")
    }
}

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
        output.data(&text)?;
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
        Some(State::Waiting) => parts.push("module not imported yet".into()),
        Some(State::Unanswered) => parts.push("no answer in time".into()),
        _ => {}
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
    if let Some(stale) = outcomes.iter().find_map(|outcome| outcome.stale.first()) {
        let name = &stale.name;
        output.hint(format_args!(
            "stale values were computed by the old code and stay; `--renew {name}` or `--renew all` computes them anew"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;
    use crate::exit::Exit;
    use patchctl_protocol::client::{ProcessInfo, ProcessOutcome};
    use patchctl_protocol::digest::Digest;
    use patchctl_protocol::plan::PatchRef;
    use patchctl_protocol::state::{Reason, Refusal, State};

    fn outcome(pid: u32, state: Option<State>, reason: Option<Reason>) -> ProcessOutcome {
        ProcessOutcome {
            process: ProcessInfo { pid, ..ProcessInfo::default() },
            patch: PatchRef { id: "fix".into(), digest: Digest::default() },
            state,
            refusal: reason.map(|reason| Refusal::new(reason, "detail")),
            functions: 1,
            stale: Vec::new(),
            pause_us: 0,
        }
    }

    fn exit(outcomes: &[ProcessOutcome]) -> Exit {
        Summary::of(outcomes).exit(true)
    }

    #[test]
    fn exit_codes_by_outcomes() {
        let active = outcome(1, Some(State::Active), None);
        let waiting = outcome(2, Some(State::Waiting), None);
        let failed = outcome(3, Some(State::Failed), Some(Reason::VerifyFailed));
        let mismatch = outcome(4, Some(State::Skipped), Some(Reason::HunkConflict));
        let other = outcome(5, Some(State::Skipped), Some(Reason::OtherProcess));
        let silent = outcome(6, Some(State::Unanswered), None);
        assert_eq!(exit(&[]), Exit::Ok);
        assert_eq!(exit(&[active.clone(), waiting.clone(), other.clone()]), Exit::Ok);
        assert_eq!(exit(&[active.clone(), failed.clone()]), Exit::Failed);
        assert_eq!(exit(&[active.clone(), mismatch.clone()]), Exit::Failed);
        assert_eq!(exit(&[mismatch, waiting]), Exit::Refused);
        assert_eq!(exit(&[failed, other]), Exit::Refused);
        assert_eq!(exit(&[active.clone(), silent.clone()]), Exit::Failed);
        assert_eq!(Summary::of(&[active, silent]).exit(false), Exit::Ok);
        assert_eq!(exit(&[outcome(1, None, None)]), Exit::Ok);
    }

    #[test]
    fn a_process_counts_once_for_its_worst_outcome() {
        let two = [outcome(1, Some(State::Active), None), outcome(1, Some(State::Failed), None)];
        assert_eq!(Summary::of(&two), Summary { failed: 1, ..Summary::default() });
    }
}
