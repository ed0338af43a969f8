//! `patchctl daemon start`.

use super::status::{self, ask};
use crate::daemon::Places;
use crate::error::{Kind, Result};
use crate::exit::Exit;
use crate::output::Output;
use patchctl_protocol::client::Status;

/// Start the daemon in the background, unless it runs
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl daemon start\n  patchctl --home /srv/lab daemon start")]
pub struct Args {}

pub fn run(_args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let status = match running(places)? {
        Some(status) => {
            output.talk("it runs already");
            status
        }
        None => ask(&mut places.start(output)?)?,
    };
    status::print(&status, output)?;
    Ok(Exit::Ok)
}

/// The state of the daemon that runs. One that takes the connection and then goes away was about to end.
fn running(places: &Places) -> Result<Option<Status>> {
    let Some((mut connection, _)) = places.running()? else {
        return Ok(None);
    };
    match ask(&mut connection) {
        Err(error) if error.kind == Kind::Unreachable && places.running()?.is_none() => Ok(None),
        answered => answered.map(Some),
    }
}
