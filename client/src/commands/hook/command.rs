//! The list of `patchctl hook`'s commands.

use super::{install, status, uninstall};
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;
use clap::Subcommand;

const EXAMPLES: &str = "Examples:
  patchctl hook install --python /srv/app/.venv
  patchctl hook status --python /srv/app/.venv/bin/python
  patchctl hook uninstall --python /srv/app/.venv";

/// Put the hook into another interpreter or virtual environment without pip, or take it out
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Install(install::Args),
    Uninstall(uninstall::Args),
    Status(status::Args),
}

pub fn run(args: &Args, output: &mut Output) -> Result<Exit> {
    match &args.command {
        Command::Install(args) => install::run(args, output),
        Command::Uninstall(args) => uninstall::run(args, output),
        Command::Status(args) => status::run(args, output),
    }
}
