//! The list of `patchctl daemon`'s commands.

use super::{install_unit, logs, run as foreground, start, status, stop};
use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;
use clap::Subcommand;

/// Start, stop and look at the daemon
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl daemon status\n  patchctl daemon logs --follow")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Start(start::Args),
    Stop(stop::Args),
    Status(status::Args),
    Run(foreground::Args),
    Logs(logs::Args),
    InstallUnit(install_unit::Args),
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    match &args.command {
        Command::Start(args) => start::run(args, places, output),
        Command::Stop(args) => stop::run(args, places, output),
        Command::Status(args) => status::run(args, places, output),
        Command::Run(args) => foreground::run(args, places, output),
        Command::Logs(args) => logs::run(args, places, output),
        Command::InstallUnit(args) => install_unit::run(args, output),
    }
}
