//! `patchctl remove`. The arguments' meaning stands in [`super::change`].

use super::change::ChangeArgs;
use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;
use patchctl_protocol::client::Request;

const EXAMPLES: &str = "Examples:
  patchctl remove fix                          the original functions are put back
  patchctl remove a b --reason \"upgraded\"       the reason stands in the history";

/// Take patches out of all processes and out of the registry
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    change: ChangeArgs,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let request = Request::Remove(args.change.request());
    args.change.carry_out(&request, ("removed", true), places, output)
}
