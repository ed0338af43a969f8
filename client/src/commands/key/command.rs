//! The list of `patchctl key`'s commands.

use super::{forget, generate, list, trust};
use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;
use clap::Subcommand;

const EXAMPLES: &str = "Examples:
  patchctl key generate ops           makes a key, which this daemon trusts
  patchctl sign fix.diff --key ops
  patchctl key trust ops.pub          on the other machines
  patchctl key list

`require-signature = true` in the file `patchd.toml` beside the folder of keys makes the daemon demand signatures.";

/// Make, list, trust and forget the keys that sign patches
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Generate(generate::Args),
    List(list::Args),
    Trust(trust::Args),
    Forget(forget::Args),
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    match &args.command {
        Command::Generate(args) => generate::run(args, places, output),
        Command::List(args) => list::run(args, places, output),
        Command::Trust(args) => trust::run(args, places, output),
        Command::Forget(args) => forget::run(args, places, output),
    }
}
