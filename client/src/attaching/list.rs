//! `patchctl ps --all`: the linked processes, then the Python processes that are not linked, each with
//! whether it can be attached to.

use super::selection::{is_ours, python_processes};
use crate::commands::ps;
use crate::daemon::Places;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{GOOD, NAME, WARN};
use crate::table::{Cell, Table};
use crate::wording;
use patchctl_attach::{Process, Refusal, examine};
use patchctl_protocol::client::{ProcessInfo, Reply, Request};
use serde::Serialize;
use serde_json::json;

/// A Python process without a link.
#[derive(Debug, Serialize)]
struct Unlinked {
    pid: i32,
    uid: u32,
    command: Vec<String>,
    /// Its version, where it can be attached to.
    python: Option<String>,
    attachable: bool,
    reason: Option<&'static str>,
    message: Option<String>,
    hints: Vec<String>,
}

/// Prints both. Without a daemon no process is linked.
///
/// # Errors
/// That the daemon fails, or it can't be printed.
pub fn list(places: &Places, output: &mut Output) -> Result<Exit> {
    let linked = match places.running()? {
        Some((mut connection, _)) => match connection.ask(&Request::Processes)? {
            Reply::Processes { processes } => processes,
            _ => return Err(Error::unexpected_reply()),
        },
        None => Vec::new(),
    };
    let unlinked = unlinked(&linked);
    if output.is_json() {
        output.document(&json!({ "processes": linked, "unlinked": unlinked }))?;
        return Ok(Exit::Ok);
    }
    if linked.is_empty() {
        output.talk("no linked processes");
    } else {
        output.data(&ps::table(&linked))?;
    }
    if unlinked.is_empty() {
        output.talk("no other Python processes");
        return Ok(Exit::Ok);
    }
    output.line("")?;
    let mut table = Table::new(&["PID", "USER", "PYTHON", "PROCESS", "ATTACH"]);
    for process in &unlinked {
        table.row(row(process));
    }
    output.data(&table.render())?;
    Ok(Exit::Ok)
}

fn unlinked(linked: &[ProcessInfo]) -> Vec<Unlinked> {
    let is_linked = |process: &Process| {
        linked.iter().any(|one| i32::try_from(one.pid) == Ok(process.pid) && one.started == process.started)
    };
    let wanted = |process: &Process| is_ours(process) && process.looks_like_python() && !is_linked(process);
    python_processes(&wanted).into_iter().filter_map(look).collect()
}

fn look(process: Process) -> Option<Unlinked> {
    let examined = examine(&process);
    let (python, refusal) = match examined {
        Err(Refusal::NoSuchProcess) => return None,
        Ok(version) => (Some(version.to_string()), None),
        Err(refusal) => (None, Some(refusal)),
    };
    Some(Unlinked {
        pid: process.pid,
        uid: process.uid,
        command: process.command,
        python,
        attachable: refusal.is_none(),
        reason: refusal.as_ref().map(Refusal::code),
        message: refusal.as_ref().map(ToString::to_string),
        hints: refusal.as_ref().map(Refusal::hints).unwrap_or_default(),
    })
}

fn row(process: &Unlinked) -> [Cell; 5] {
    let attach = match &process.message {
        None => Cell::styled("yes", GOOD),
        Some(message) => Cell::styled(format!("no: {message}"), WARN),
    };
    [
        process.pid.to_string().into(),
        process.uid.to_string().into(),
        process.python.as_deref().unwrap_or("-").into(),
        Cell::styled(wording::command_line(&process.command), NAME),
        attach,
    ]
}
