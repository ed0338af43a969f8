//! `patchctl on`. What it does stands in [`super::switch`].

use super::switch;
use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;

/// Switch all patches on again after `patchctl off`
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl on")]
pub struct Args {
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    switch::set(false, &args.reason, places, output)
}
