//! `patchctl check`: what a patch would change, without changing anything. Offline it is examined by
//! [`crate::offline`], for a process by the daemon.

use super::add;
use crate::daemon::Places;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::interpreter::Interpreter;
use crate::offline::examine;
use crate::output::Output;
use crate::verdict::describe;
use patchctl_protocol::client::{CheckRequest, CheckedModule, NewFile, Reply, Request};
use patchctl_protocol::state::Refusal;
use serde::Serialize;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  patchctl check fix.diff --python .venv/bin/python
  patchctl check fix.diff --pid 4711
  patchctl check fix.diff --python .venv --json | jq '.modules[].plan.functions[].qualname'";

/// Tell what a patch would change, which guard fails, and what it can't bring over live
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The patch file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Against the packages of this interpreter or virtual environment, without a daemon
    #[arg(long, value_name = "PATH", conflicts_with = "pid", default_value = "python3")]
    python: PathBuf,
    /// Against what this linked process runs
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// Values to compute anew, as for `patchctl add`
    #[arg(long, value_name = "NAME")]
    renew: Vec<String>,
    /// Take N leading folders off the file names in a diff, instead of finding out
    #[arg(long, value_name = "N")]
    strip: Option<u32>,
}

/// The JSON document.
#[derive(Serialize)]
struct Document<'a> {
    patch: &'a str,
    passed_over: &'a [String],
    modules: &'a [CheckedModule],
    /// Whether no module refuses it.
    fits: bool,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let file = add::read(&args.file)?;
    let patch = add::parse(&args.file, &file.content, args.strip)?;
    let modules = match args.pid {
        Some(pid) => of_process(NewFile { strip: args.strip, ..file }, pid, places)?,
        None => examine(&patch, &Interpreter::ask(&args.python)?, &args.renew),
    };
    let exit = verdict(&modules);
    if output.is_json() {
        let fits = exit == Exit::Ok;
        output.document(&Document {
            patch: &patch.id,
            passed_over: &patch.passed_over,
            modules: &modules,
            fits,
        })?;
        return Ok(exit);
    }
    for checked in &modules {
        output.text(&describe(checked))?;
    }
    if !patch.passed_over.is_empty() {
        output.talk(format_args!("passed over: {}", patch.passed_over.join(", ")));
    }
    hints(&modules, output);
    Ok(exit)
}

fn of_process(file: NewFile, pid: u32, places: &Places) -> Result<Vec<CheckedModule>> {
    match places.connect()?.ask(&Request::Check(CheckRequest { file, pid }))? {
        Reply::Checked { modules } => Ok(modules),
        _ => Err(Error::unexpected_reply()),
    }
}

/// Refused where a module does not take the patch at all, failed where something can't be brought over
/// live.
fn verdict(modules: &[CheckedModule]) -> Exit {
    let unsupported =
        |module: &CheckedModule| module.plan.as_ref().is_some_and(|plan| !plan.unsupported.is_empty());
    if modules.iter().any(|module| module.refusal.is_some()) {
        Exit::Refused
    } else if modules.iter().any(unsupported) {
        Exit::Failed
    } else {
        Exit::Ok
    }
}

fn hints(modules: &[CheckedModule], output: &mut Output) {
    let mut said = Vec::new();
    for Refusal { reason, .. } in modules.iter().filter_map(|module| module.refusal.as_ref()) {
        if !said.contains(reason) {
            said.push(*reason);
            output.hint(reason.next_step());
        }
    }
}
