//! `patchctl ps`: the linked processes.

use crate::attaching;
use crate::daemon::Places;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{DIM, NAME, WARN};
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
        return attaching::list(places, output);
    }
    let Reply::Processes { processes } = places.connect()?.ask(&Request::Processes)? else {
        return Err(Error::unexpected_reply());
    };
    if output.is_json() {
        output.document(&json!({ "processes": processes }))?;
        return Ok(Exit::Ok);
    }
    if processes.is_empty() {
        output.talk("no linked processes");
        output.hint(
            "a process links itself when its interpreter has the hook: `patchctl hook status --python PATH`",
        );
        return Ok(Exit::Ok);
    }
    output.data(&table(&processes))?;
    Ok(Exit::Ok)
}

/// The table of linked processes.
#[must_use]
pub fn table(processes: &[ProcessInfo]) -> String {
    let mut table = Table::new(&["PID", "USER", "PYTHON", "REVISION", "LINKED", "PREFIX", "PROCESS", "NOTE"]);
    for process in processes {
        table.row(row(process));
    }
    table.render()
}

fn row(process: &ProcessInfo) -> [Cell; 8] {
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
