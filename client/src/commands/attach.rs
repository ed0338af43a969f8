//! `patchctl attach`. What happens to each process stands in [`crate::attaching`].

use crate::attaching::{Linker, Outcome, Report, Selection};
use crate::daemon::Places;
use crate::error::{Error, Kind, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::time::parse_seconds;
use patchctl_attach::Process;
use std::time::Duration;

const EXAMPLES: &str = "Examples:
  patchctl ps --all                     which processes run without the hook
  patchctl attach 4711
  patchctl attach --match 'gunicorn*'

The interpreter itself loads the hook, at its next safe point; nothing has to be installed in the
process's environment. Children that it forks afterwards are linked, too; programs that it starts are
linked if their environment has the hook. Linux on x86_64, CPython 3.9 to 3.15.";

/// Bring the hook into processes that were started without it
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Processes to attach to
    #[arg(value_name = "PID", value_parser = clap::value_parser!(i32).range(1..), required_unless_present_any = ["all", "glob"])]
    pids: Vec<i32>,
    /// All Python processes of this user that are not linked (of all users, for root)
    #[arg(long, conflicts_with = "pids")]
    all: bool,
    /// Those whose command line matches, from any of its words on
    #[arg(long = "match", id = "glob", value_name = "GLOB", conflicts_with = "pids")]
    glob: Option<String>,
    /// How long to try with each process; what is not done by then is taken back
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = parse_seconds)]
    timeout: Duration,
    /// Attach even where the process's own seccomp filter might kill it for that
    #[arg(long)]
    force: bool,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let selection = Selection::new(&args.pids, args.glob.as_deref())?;
    let pids = selection.pids();
    if pids.is_empty() {
        return Err(Error::new(Kind::NotFound, "no Python process is meant by that")
            .hint("`patchctl ps --all` lists them"));
    }
    let mut linker = Linker::new(places, args.timeout, args.force, output)?;
    let mut report = Report::default();
    for pid in pids {
        match Process::of(pid) {
            Ok(process) if args.pids.is_empty() && linker.is_linked(&process) => {}
            Ok(process) => {
                let outcome = linker.link(&process)?;
                report.add(pid, Some(&process), outcome, output)?;
            }
            Err(refusal) => report.add(pid, None, Outcome::refused(&refusal), output)?,
        }
    }
    report.finish(output)
}
