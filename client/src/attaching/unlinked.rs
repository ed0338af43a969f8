//! The Python processes that are not linked, each with whether it can be attached to.

use super::judgement::judge;
use super::outcome::Refused;
use super::selection::{is_ours, python_processes};
use patchctl_attach::{Process, examine};
use patchctl_protocol::client::ProcessInfo;
use patchctl_protocol::location::Location;
use serde::Serialize;

/// A Python process without a link.
#[derive(Debug, Serialize)]
pub struct Unlinked {
    pub pid: i32,
    pub uid: u32,
    pub command: Vec<String>,
    /// Its version, where it can be attached to.
    pub python: Option<String>,
    attachable: bool,
    reason: Option<&'static str>,
    /// Why not.
    pub message: Option<String>,
    hints: Vec<String>,
}

/// The Python processes of this user that are not among the linked ones of a daemon.
#[must_use]
pub fn unlinked(linked: &[ProcessInfo], location: &Location) -> Vec<Unlinked> {
    let is_linked = |process: &Process| {
        linked.iter().any(|one| i32::try_from(one.pid) == Ok(process.pid) && one.started == process.started)
    };
    let wanted = |process: &Process| is_ours(process) && process.looks_like_python() && !is_linked(process);
    let found = python_processes(&wanted).into_iter();
    found.filter_map(|process| look(process, location)).collect()
}

fn look(process: Process, location: &Location) -> Option<Unlinked> {
    let judged = judge(&process, location, false);
    let examined = judged.and_then(|()| examine(&process).map_err(|refusal| Refused::from(&refusal)));
    if !process.is_there() {
        return None;
    }
    let (python, refused) = match examined {
        Ok(version) => (Some(version.to_string()), None),
        Err(refused) => (None, Some(refused)),
    };
    let reason = refused.as_ref().map(|refused| refused.reason);
    let (message, hints) = refused.map(|refused| (refused.message, refused.hints)).unzip();
    Some(Unlinked {
        pid: process.pid,
        uid: process.uid,
        command: process.command,
        python,
        attachable: reason.is_none(),
        reason,
        message,
        hints: hints.unwrap_or_default(),
    })
}
