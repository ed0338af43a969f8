//! What outcomes come down to: a verdict for each, counts over processes, the exit code.

use crate::exit::Exit;
use crate::style::{BAD, GOOD, WARN};
use anstyle::Style;
use patchctl_protocol::client::ProcessOutcome;
use patchctl_protocol::state::{Reason, State};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a process's outcomes come down to, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
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
    /// What one outcome comes down to.
    #[must_use]
    pub fn of(outcome: &ProcessOutcome) -> Self {
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

    /// Its word in a line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unanswered => "unanswered",
            Self::Mismatch | Self::PassedOver => "skipped",
            Self::Patched => "patched",
            Self::Unpatched => "unpatched",
            Self::Waiting => "waiting",
        }
    }

    /// The word's colour.
    #[must_use]
    pub fn style(self) -> Style {
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

    /// The counts in a sentence.
    #[must_use]
    pub fn sentence(&self, taking_out: bool) -> String {
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
            forced: None,
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
