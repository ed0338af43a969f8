//! `patchctl ps`: the linked processes; with `--all` the Python processes that are not linked, too.

use crate::attaching::{self, Unlinked};
use crate::daemon::{Connection, Places};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{DIM, GOOD, NAME, WARN};
use crate::table::{Cell, Table};
use crate::time::local;
use crate::wording;
use patchctl_protocol::client::{ProcessInfo, Reply, Request};
use serde_json::json;

/// List the Python processes that are linked to the daemon
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  patchctl ps\n  patchctl ps --all\n  patchctl ps --json | jq '.processes[].pid'"
)]
pub struct Args {
    /// Also list the Python processes that are not linked, and whether `patchctl attach` would work
    #[arg(long)]
    all: bool,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    if args.all {
        return all(places, output);
    }
    let processes = linked(&mut places.connect()?)?;
    if output.is_json() {
        output.document(&json!({ "processes": processes }))?;
        return Ok(Exit::Ok);
    }
    show_linked(&processes, output)?;
    if processes.is_empty() {
        output.hint(
            "a process links itself when its interpreter has the hook: `patchctl hook status --python PATH`",
        );
    }
    Ok(Exit::Ok)
}

/// The linked processes, then those that are not. Without a daemon no process is linked.
fn all(places: &Places, output: &mut Output) -> Result<Exit> {
    let (processes, location) = match places.running()? {
        Some((mut connection, location)) => (linked(&mut connection)?, location),
        None => (Vec::new(), places.own()),
    };
    let others = attaching::unlinked(&processes, &location);
    if output.is_json() {
        output.document(&json!({ "processes": processes, "unlinked": others }))?;
        return Ok(Exit::Ok);
    }
    show_linked(&processes, output)?;
    if others.is_empty() {
        output.talk("no other Python processes");
        return Ok(Exit::Ok);
    }
    output.line("")?;
    let mut table = Table::new(&["PID", "USER", "PYTHON", "PROCESS", "ATTACH"]);
    for process in &others {
        table.row(unlinked_row(process));
    }
    output.data(&table.render())?;
    Ok(Exit::Ok)
}

fn linked(connection: &mut Connection) -> Result<Vec<ProcessInfo>> {
    match connection.ask(&Request::Processes)? {
        Reply::Processes { processes } => Ok(processes),
        _ => Err(Error::unexpected_reply()),
    }
}

fn show_linked(processes: &[ProcessInfo], output: &mut Output) -> Result<()> {
    if processes.is_empty() {
        output.talk("no linked processes");
        return Ok(());
    }
    let mut table = Table::new(&["PID", "USER", "PYTHON", "REVISION", "LINKED", "PREFIX", "PROCESS", "NOTE"]);
    for process in processes {
        table.row(linked_row(process));
    }
    output.data(&table.render())
}

fn linked_row(process: &ProcessInfo) -> [Cell; 8] {
    let note = process.refusal.as_ref().map(wording::refusal);
    let note = note.or_else(|| process.attached.then(|| "attached".to_owned()));
    [
        process.pid.to_string().into(),
        process.uid.to_string().into(),
        process.python.as_str().into(),
        process.revision.to_string().into(),
        local(process.linked_at).into(),
        Cell::styled(&process.prefix, DIM),
        Cell::styled(wording::command(process), NAME),
        Cell::styled(note.unwrap_or_default(), WARN),
    ]
}

fn unlinked_row(process: &Unlinked) -> [Cell; 5] {
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
