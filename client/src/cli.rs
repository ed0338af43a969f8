//! The command line as a whole: global options and the list of commands. Each command's own arguments
//! stand in its file.

use crate::commands::{
    add, attach, audit, check, completions, daemon, demo, detach, diff, dis, disable, enable, history, hook,
    inspect, key, list, man, off, on, ps, remove, show, sign, verify,
};
use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::{Color, Output};
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::path::PathBuf;

/// Fix running Python processes with a patch file, and take the fix out again
#[derive(Parser)]
#[command(
    name = "patchctl",
    version,
    propagate_version = false,
    disable_help_subcommand = true,
    after_help = Exit::table(),
    after_long_help = first_steps()
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Args)]
pub struct Global {
    /// Print one JSON document instead of text
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Use the daemon and the folders under DIR (else under $PATCHCTL_HOME), apart from all others
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub home: Option<PathBuf>,
    /// Print data and errors only
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// When to colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        help_heading = "Global options"
    )]
    pub color: Color,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    Add(Box<add::Args>),
    Remove(remove::Args),
    Enable(enable::Args),
    Disable(disable::Args),
    List(list::Args),
    Show(show::Args),
    Check(check::Args),
    Audit(audit::Args),
    Ps(ps::Args),
    Attach(attach::Args),
    Detach(detach::Args),
    History(history::Args),
    Diff(diff::Args),
    Dis(dis::Args),
    Inspect(inspect::Args),
    Key(key::Args),
    Sign(sign::Args),
    Verify(verify::Args),
    Off(off::Args),
    On(on::Args),
    Daemon(daemon::Args),
    Hook(hook::Args),
    Demo(demo::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    /// Does the command.
    ///
    /// # Errors
    /// What ends it; what it merely found is told by the exit code.
    pub fn run(&self, places: &Places, output: &mut Output) -> Result<Exit> {
        match self {
            Self::Add(args) => add::run(args, places, output),
            Self::Remove(args) => remove::run(args, places, output),
            Self::Enable(args) => enable::run(args, places, output),
            Self::Disable(args) => disable::run(args, places, output),
            Self::List(args) => list::run(args, places, output),
            Self::Show(args) => show::run(args, places, output),
            Self::Check(args) => check::run(args, places, output),
            Self::Audit(args) => audit::run(args, places, output),
            Self::Attach(args) => attach::run(args, places, output),
            Self::Detach(args) => detach::run(args, places, output),
            Self::Ps(args) => ps::run(args, places, output),
            Self::History(args) => history::run(args, places, output),
            Self::Diff(args) => diff::run(args, places, output),
            Self::Dis(args) => dis::run(args, places, output),
            Self::Inspect(args) => inspect::run(args, places, output),
            Self::Key(args) => key::run(args, places, output),
            Self::Sign(args) => sign::run(args, places, output),
            Self::Verify(args) => verify::run(args, places, output),
            Self::Off(args) => off::run(args, places, output),
            Self::On(args) => on::run(args, places, output),
            Self::Daemon(args) => daemon::run(args, places, output),
            Self::Hook(args) => hook::run(args, output),
            Self::Demo(args) => demo::run(args, output),
            Self::Completions(args) => completions::run(args, Cli::command(), output),
            Self::Man(args) => man::run(args, Cli::command(), output),
        }
    }
}

fn first_steps() -> String {
    let examples = "Examples:
  patchctl demo                     see it all at work, on a real vulnerable package
  patchctl check fix.diff --python .venv/bin/python
  patchctl add fix.diff             fix every running process that has the module
  patchctl audit                    what the live functions run
  patchctl remove fix               take it out again
";
    format!("{examples}\n{}", Exit::table())
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;
