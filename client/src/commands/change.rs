//! What remove, enable and disable have in common: their arguments, and asking for the change.

use crate::daemon::Places;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::outcome::Report;
use crate::output::Output;
use crate::time::{milliseconds, parse_seconds};
use crate::wording::count;
use patchctl_protocol::client::{ChangeRequest, Changed, Reply, Request};
use std::time::{Duration, Instant};

/// Which patches to change, and how.
#[derive(clap::Args)]
pub struct ChangeArgs {
    /// Ids of the patches, as `patchctl list` shows them
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
    /// How long to wait for the processes
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = parse_seconds)]
    pub wait: Duration,
    /// Only say which processes are concerned
    #[arg(long)]
    pub dry_run: bool,
}

impl ChangeArgs {
    /// The message.
    #[must_use]
    pub fn request(&self) -> ChangeRequest {
        ChangeRequest {
            ids: self.ids.clone(),
            reason: self.reason.clone(),
            wait_ms: milliseconds(self.wait),
            dry_run: self.dry_run,
        }
    }

    /// Asks for the change and reports it.
    ///
    /// # Errors
    /// What the daemon refuses with.
    pub fn carry_out(
        &self,
        request: &Request,
        (verb, taking_out): (&str, bool),
        places: &Places,
        output: &mut Output,
    ) -> Result<Exit> {
        let changed = ask(request, self.wait, places, output)?;
        let report = Report { verb, dry_run: self.dry_run, waited: !self.wait.is_zero(), taking_out };
        report.print(&changed, output)
    }
}

/// Asks for a change, showing how many processes have answered once that takes a second.
///
/// # Errors
/// What the daemon refuses with, or that it can't be reached or started.
pub fn ask(request: &Request, wait: Duration, places: &Places, output: &mut Output) -> Result<Changed> {
    let mut connection = places.connect_or_start(output)?;
    let begun = Instant::now();
    let (mut answered, mut shown) = (0, false);
    let reply = connection.ask_with_progress(request, wait, &mut |_| {
        answered += 1;
        if begun.elapsed() > Duration::from_secs(1) {
            output.progress(&format!("{} answered", count(answered, "process")));
            shown = true;
        }
    });
    if shown {
        output.progress("");
    }
    match reply? {
        Reply::Changed(changed) => Ok(changed),
        _ => Err(Error::unexpected_reply()),
    }
}
