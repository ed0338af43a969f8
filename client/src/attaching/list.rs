//! `patchctl ps --all`: the linked processes, then the Python processes that are not linked, each with
//! whether it can be attached to.

use super::judgement::judge;
use super::outcome::Refused;
use super::selection::{is_ours, python_processes};
use crate::commands::ps;
use crate::daemon::Places;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{GOOD, NAME, WARN};
use crate::table::{Cell, Table};
use crate::wording;
use patchctl_attach::{Process, examine};
use patchctl_protocol::client::{ProcessInfo, Reply, Request};
use patchctl_protocol::location::Location;
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
    let (linked, location) = match places.running()? {
        Some((mut connection, location)) => match connection.ask(&Request::Processes)? {
            Reply::Processes { processes } => (processes, location),
            _ => return Err(Error::unexpected_reply()),
        },
        None => (Vec::new(), places.own()),
    };
    let unlinked = unlinked(&linked, &location);
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

fn unlinked(linked: &[ProcessInfo], location: &Location) -> Vec<Unlinked> {
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
