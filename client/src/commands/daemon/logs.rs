//! `patchctl daemon logs`: the log of a daemon that `patchctl` started.

use crate::daemon::{Places, log_path, tail};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::output::Output;
use serde_json::json;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Time between two looks for new lines.
const INTERVAL: Duration = Duration::from_millis(200);

/// Show the daemon's log
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  patchctl daemon logs\n  patchctl daemon logs --follow\n  journalctl --user -u patchd     where systemd started it"
)]
pub struct Args {
    /// The last N lines
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    lines: usize,
    /// Go on with new lines as they come
    #[arg(long, short)]
    follow: bool,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let location = match places.running()? {
        Some((_, location)) => location,
        None => places.own(),
    };
    let path = log_path(&location);
    let text = tail(&path, args.lines).map_err(|error| {
        Error::file("read the log", &path, &error)
            .hint("a daemon started by systemd logs to the journal: `journalctl -u patchd`")
    })?;
    if output.is_json() {
        output.document(&json!({ "file": path, "lines": text.lines().collect::<Vec<_>>() }))?;
        return Ok(Exit::Ok);
    }
    output.text(&text)?;
    if args.follow {
        follow(&path, output)?;
    }
    Ok(Exit::Ok)
}

/// Prints what is appended, until the reader goes away or the user ends it.
fn follow(path: &Path, output: &mut Output) -> Result<()> {
    let failed = |error| Error::file("read the log", path, &error);
    let mut file = File::open(path).map_err(failed)?;
    file.seek(SeekFrom::End(0)).map_err(failed)?;
    loop {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        if bytes.is_empty() {
            thread::sleep(INTERVAL);
        } else {
            output.text(&String::from_utf8_lossy(&bytes))?;
        }
    }
}
