//! `patchctl daemon stop`.

use super::status::ask;
use crate::daemon::Places;
use crate::error::{Error, Kind, Result};
use crate::exit::Exit;
use crate::output::Output;
use patchctl_protocol::client::{Reply, Request};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long the daemon may take to end.
const DEADLINE: Duration = Duration::from_secs(10);

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(5);

/// Stop the daemon; patches stay in the processes, and links come back when it starts again
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl daemon stop")]
pub struct Args {}

pub fn run(_args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let Some((mut connection, _)) = places.running()? else {
        output.talk("no daemon is running");
        return told(None, output);
    };
    let pid = ask(&mut connection)?.pid;
    let mut connection = places.connect()?;
    let Reply::Done = connection.ask(&Request::Stop)? else {
        return Err(Error::unexpected_reply());
    };
    let begun = Instant::now();
    while is_alive(pid) {
        if begun.elapsed() > DEADLINE {
            let message =
                format!("patchd (pid {pid}) still runs {} s after it was told to end", DEADLINE.as_secs());
            return Err(Error::new(Kind::Failed, message).hint("`patchctl daemon logs` shows what it does"));
        }
        thread::sleep(INTERVAL);
    }
    told(Some(pid), output)
}

/// Whether the process runs; one that ended and was not waited for does not.
fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    let state = stat.ok().and_then(|stat| stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()));
    !matches!(state, None | Some('Z' | 'X'))
}

fn told(pid: Option<u32>, output: &mut Output) -> Result<Exit> {
    match (output.is_json(), pid) {
        (true, pid) => output.document(&serde_json::json!({ "stopped": pid.is_some(), "pid": pid }))?,
        (false, Some(pid)) => output.talk(format_args!("stopped patchd (pid {pid})")),
        (false, None) => {}
    }
    Ok(Exit::Ok)
}
