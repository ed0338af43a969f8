//! `patchctl daemon start`.

use super::status::{self, ask};
use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;

/// Start the daemon in the background, unless it runs
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl daemon start\n  patchctl --home /srv/lab daemon start")]
pub struct Args {}

pub fn run(_args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let mut connection = match places.running()? {
        Some((connection, _)) => {
            output.talk("it runs already");
            connection
        }
        None => places.start(output)?,
    };
    status::print(&ask(&mut connection)?, output)?;
    Ok(Exit::Ok)
}
