//! `patchctl completions`: what a shell needs to complete commands and options.

use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;
use clap_complete::Shell;

const EXAMPLES: &str = "Examples:
  patchctl completions bash > ~/.local/share/bash-completion/completions/patchctl
  patchctl completions zsh > ~/.zfunc/_patchctl
  patchctl completions fish > ~/.config/fish/completions/patchctl.fish";

/// Print a shell's completion script
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script for `command`, the whole command line.
pub fn run(args: &Args, mut command: clap::Command, output: &mut Output) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "patchctl", &mut script);
    let script = String::from_utf8_lossy(&script);
    if output.is_json() {
        output.document(&serde_json::json!({ "shell": args.shell.to_string(), "script": script }))?;
        return Ok(Exit::Ok);
    }
    output.data(&script)?;
    Ok(Exit::Ok)
}
