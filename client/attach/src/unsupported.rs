//! Where the machine code and the registers of this architecture are not known.

use crate::outcome::{Attached, Options};
use crate::process::Process;
use crate::refusal::{Refusal, Result};
use crate::version::Version;

/// Finds out whether a process can be attached to.
///
/// # Errors
/// That it can't.
pub fn examine(_process: &Process) -> Result<Version> {
    Err(Refusal::Architecture)
}

/// Loads nothing.
///
/// # Errors
/// That it can't.
pub fn attach(_process: &Process, _options: &Options) -> Result<Attached> {
    Err(Refusal::Architecture)
}
