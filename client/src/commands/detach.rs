//! `patchctl detach`: lets processes go, with their originals in place.

use crate::daemon::Places;
use crate::error::{Error, Kind, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::time::parse_seconds;
use patchctl_protocol::client::{Reply, Request};
use serde_json::json;
use std::thread::sleep;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "Examples:
  patchctl detach 4711
  patchctl attach 4711    link it again

The extension stays loaded in the process, idle: it can be taken out of no Python process.";

/// Time between two looks at the daemon's list.
const LOOK: Duration = Duration::from_millis(1);

/// Take all patches out of processes, and end their links
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Processes to let go
    #[arg(required = true, value_name = "PID")]
    pids: Vec<u32>,
    /// How long to wait for them
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = parse_seconds)]
    timeout: Duration,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let Reply::Done = places.connect()?.ask(&Request::Detach { pids: args.pids.clone() })? else {
        return Err(Error::unexpected_reply());
    };
    let left = await_leave(places, &args.pids, args.timeout)?;
    let is_gone = |pid: &u32| !left.contains(pid);
    if output.is_json() {
        let row = |pid: &u32| json!({ "pid": pid, "detached": is_gone(pid) });
        let rows: Vec<_> = args.pids.iter().map(row).collect();
        output.document(&json!({ "processes": rows }))?;
    } else {
        for pid in args.pids.iter().filter(|pid| is_gone(pid)) {
            output.line(format_args!("detached from process {pid}"))?;
        }
        for pid in &left {
            let seconds = args.timeout.as_secs_f32();
            let message = format!("process {pid} has not let go after {seconds} s");
            let hint = "it does so as soon as its interpreter gets round to it; `patchctl ps` shows it";
            output.error(&Error::new(Kind::Failed, message).hint(hint));
        }
    }
    Ok(if left.is_empty() { Exit::Ok } else { Exit::Failed })
}

/// Waits until the links are gone; gives the pids of those that are not.
fn await_leave(places: &Places, pids: &[u32], patience: Duration) -> Result<Vec<u32>> {
    let deadline = Instant::now() + patience;
    loop {
        let Reply::Processes { processes } = places.connect()?.ask(&Request::Processes)? else {
            return Err(Error::unexpected_reply());
        };
        let linked = |pid: &&u32| processes.iter().any(|process| process.pid == **pid);
        let left: Vec<u32> = pids.iter().filter(linked).copied().collect();
        if left.is_empty() || Instant::now() >= deadline {
            return Ok(left);
        }
        sleep(LOOK);
    }
}
