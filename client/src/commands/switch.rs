//! The off-switch: all patches out of all processes, and back. Through the daemon where one runs, else by
//! the file that tells every daemon and hook.

use crate::daemon::Places;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::outcome::Report;
use crate::output::Output;
use patchctl_protocol::client::{Changed, Reply, Request};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long the daemon may wait for the processes.
const WAIT: Duration = Duration::from_secs(10);

/// Sets or clears the switch.
///
/// # Errors
/// What the daemon refuses with, or that the file can't be written.
pub fn set(off: bool, reason: &str, places: &Places, output: &mut Output) -> Result<Exit> {
    let changed = match places.running()? {
        Some((mut connection, _)) => {
            let request = Request::Switch { off, reason: reason.to_owned() };
            match connection.ask_with_progress(&request, WAIT, &mut |_| {})? {
                Reply::Changed(changed) => changed,
                Reply::Done => Changed::default(),
                _ => return Err(Error::unexpected_reply()),
            }
        }
        None => {
            set_file(off, reason, &places.own().off_switch)?;
            output.talk("no daemon runs; the switch holds for processes and daemons that start");
            Changed::default()
        }
    };
    if !output.is_json() {
        output.line(if off { "patches are off" } else { "patches are on" })?;
    }
    Report { verb: "switched", dry_run: false, waited: true, taking_out: off }.print(&changed, output)
}

fn set_file(off: bool, reason: &str, path: &Path) -> Result<()> {
    let done = if off {
        path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, format!("{reason}\n")))
    } else {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            ended => ended,
        }
    };
    done.map_err(|error| Error::file("set the switch", path, &error))
}
