//! From two texts of a module to the plan that leads from one to the other.

use crate::compose::Contribution;
use crate::patch::Patch;
use patchctl_protocol::hook::Phase;
use patchctl_protocol::plan::Plan;
use patchctl_protocol::state::{Reason, Refusal};

/// The texts of a module between which a plan leads.
pub struct Texts<'a> {
    pub module: &'a str,
    /// Whether the module is a package (its file is an `__init__.py`).
    pub is_package: bool,
    /// What is installed.
    pub original: &'a str,
    /// What the process runs now; equal to `original` in one that has no patch.
    pub running: &'a str,
    /// What it should run.
    pub target: &'a str,
    /// Which patch changed which lines of `target`.
    pub contributions: &'a [Contribution],
}

/// What the planner is asked for beside the texts.
#[derive(Clone, Copy, Debug)]
pub struct PlanOptions<'a> {
    /// Dotted names of stale values to compute anew, or `all`.
    pub renew: &'a [String],
    pub phase: Phase,
}

/// What leads from the running text to the target text.
///
/// # Errors
/// `syntax-error`, with line and column, where a text is not Python.
pub fn plan(_texts: &Texts<'_>, _options: &PlanOptions<'_>) -> Result<Plan, Refusal> {
    Ok(Plan::default())
}

/// The plan for a module without source: functions are found by their qualnames.
///
/// # Errors
/// `needs-source` for a diff.
pub fn plan_without_source(_module: &str, _patches: &[&Patch]) -> Result<Plan, Refusal> {
    Err(Refusal::new(Reason::NeedsSource, "the module has no source"))
}
