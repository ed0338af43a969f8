//! `patchctl daemon run`: becomes the daemon, in the foreground.

use crate::daemon::{Launch, Places, patchd_program};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::output::Output;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Run the daemon in the foreground, for a terminal or a supervisor
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl daemon run\n  patchctl daemon run -- --log-level debug")]
pub struct Args {
    /// Further options for patchd
    #[arg(last = true, value_name = "OPTION")]
    options: Vec<String>,
}

pub fn run(args: &Args, places: &Places, _output: &mut Output) -> Result<Exit> {
    let program = patchd_program()?;
    let location = Launch::arguments(&places.own());
    let error = Command::new(&program).args(location).args(&args.options).exec();
    Err(Error::file("start", &program, &error))
}
