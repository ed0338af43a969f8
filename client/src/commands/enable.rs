//! `patchctl enable`. The arguments' meaning stands in [`super::change`].

use super::change::ChangeArgs;
use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;
use patchctl_protocol::client::Request;

const EXAMPLES: &str = "Examples:
  patchctl enable fix";

/// Bring disabled patches back
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    change: ChangeArgs,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let request = Request::Enable(args.change.request());
    args.change.carry_out(&request, ("enabled", false), places, output)
}
