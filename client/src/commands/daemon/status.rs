//! `patchctl daemon status`.

use crate::daemon::{Connection, Places};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{DIM, GOOD, WARN, paint};
use crate::time::local;
use crate::wording;
use patchctl_protocol::client::{Reply, Request, Status};

/// Tell whether the daemon runs, and where its folders are; exit code 4 if none runs
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  patchctl daemon status\n  patchctl daemon status --json | jq .patches_folder"
)]
pub struct Args {}

pub fn run(_args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let status = ask(&mut places.connect()?)?;
    print(&status, output)?;
    Ok(Exit::Ok)
}

/// Asks a daemon for its state.
///
/// # Errors
/// That it went away.
pub fn ask(connection: &mut Connection) -> Result<Status> {
    match connection.ask(&Request::Status)? {
        Reply::Status(status) => Ok(status),
        _ => Err(Error::unexpected_reply()),
    }
}

/// Prints it.
///
/// # Errors
/// That it can't be printed.
pub fn print(status: &Status, output: &mut Output) -> Result<()> {
    if output.is_json() {
        return output.document(status);
    }
    let switch =
        if status.off { paint(WARN, "off (`patchctl on` brings patches back)") } else { "on".into() };
    let properties = [
        ("patchd", format!("{}, pid {}", paint(GOOD, &status.version), status.pid)),
        ("for", wording::name_of(&status.scope)),
        ("since", local(status.started_at)),
        ("switch", switch),
        ("patches", format!("{} in {}", status.patches, status.patches_folder)),
        ("processes", status.processes.to_string()),
        ("revision", status.revision.to_string()),
        ("memory", format!("{:.1} MB", megabytes(status.memory))),
        ("socket", status.socket.clone()),
        ("state", status.state_folder.clone()),
    ];
    let problems = status.problems.iter().map(|problem| ("problem", paint(WARN, problem)));
    properties.into_iter().chain(problems).try_for_each(|(name, value)| {
        output.line(format_args!("{} {value}", paint(DIM, &format!("{name:<10}"))))
    })
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
