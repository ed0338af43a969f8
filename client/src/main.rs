//! `patchctl`: fixes running Python processes with a patch file, and takes the fix out again.
//!
//! A command is an `Args` struct, whose comments are its help, and one function ([`commands`]). It asks
//! the daemon ([`daemon`]), which is started when needed, and prints through one place ([`output`]).
//! Nothing slow may happen before a request is sent: the time until a patch works includes this start.

mod attaching;
mod cli;
mod commands;
mod daemon;
mod edits;
mod error;
mod exit;
mod hook;
mod interpreter;
mod looking;
mod offline;
mod outcome;
mod output;
mod printable;
mod style;
mod table;
mod time;
mod verdict;
mod wording;

use clap::Parser;
use cli::Cli;
use daemon::Places;
use output::Output;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut output = Output::new(cli.global.json, cli.global.quiet, cli.global.color);
    let ended =
        Places::new(cli.global.home.as_deref()).and_then(|places| cli.command.run(&places, &mut output));
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => output.error(&error).into(),
    }
}
