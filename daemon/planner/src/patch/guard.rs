//! The guards of a patch that look at the process: its Python, its packages, who runs it and when.

use super::Patch;
use patchctl_protocol::state::Refusal;

/// What the guards ask about a process.
pub struct Environment<'a> {
    /// Version of the interpreter, such as `3.12.1`.
    pub python: &'a str,
    pub command: &'a [String],
    /// Name of the user.
    pub user: &'a str,
    pub uid: u32,
    /// `sys.prefix`.
    pub prefix: &'a str,
    pub executable: &'a str,
    /// Seconds since the epoch.
    pub now: f64,
    /// Version of an installed distribution, by its normalised name (PEP 503).
    pub version_of: &'a dyn Fn(&str) -> Option<String>,
}

impl Patch {
    /// Whether the patch is meant for this process.
    ///
    /// # Errors
    /// The first guard that does not hold: `other-process`, `python-mismatch`, `version-mismatch` or
    /// `expired`.
    pub fn guard(&self, _env: &Environment<'_>) -> Result<(), Refusal> {
        Ok(())
    }
}
