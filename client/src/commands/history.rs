//! `patchctl history`: who changed what, when and why, and what it did in which process.

use crate::daemon::Places;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{BAD, DIM, GOOD, NAME, paint};
use crate::table::{Cell, Table};
use crate::time::local;
use crate::wording::count;
use patchctl_protocol::client::{HistoryEntry, HistoryRequest, Reply, Request, Verified};
use serde_json::json;

const EXAMPLES: &str = "Examples:
  patchctl history
  patchctl history fix --limit 20
  patchctl history --verify         exit code 1 if an entry was edited, removed or moved";

/// Show who changed what, when and why, and what it did in which process
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only entries of this patch
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Check the hash chain of the whole history
    #[arg(long)]
    verify: bool,
    /// The newest entries, at most N
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let request = Request::History(HistoryRequest {
        id: args.id.clone(),
        limit: Some(args.limit),
        verify: args.verify,
    });
    let reply = places.connect_or_start(output)?.ask(&request)?;
    let Reply::History { entries, verified } = reply else {
        return Err(Error::unexpected_reply());
    };
    let broken = matches!(&verified, Some(Verified { broken: Some(_), .. }));
    let exit = if broken { Exit::Failed } else { Exit::Ok };
    if output.is_json() {
        output.document(&json!({ "entries": entries, "verified": verified }))?;
        return Ok(exit);
    }
    print(&entries, output)?;
    if let Some(verified) = verified {
        output.line(verdict(&verified))?;
    }
    Ok(exit)
}

fn print(entries: &[HistoryEntry], output: &mut Output) -> Result<()> {
    let mut table = Table::new(&["NO", "TIME", "EVENT", "PATCH", "DIGEST", "USER", "PID", "PROCESS", "WHY"]);
    for entry in entries {
        table.row(row(entry));
    }
    if table.is_empty() {
        output.talk("no entries");
        return Ok(());
    }
    output.data(&table.render())
}

fn row(entry: &HistoryEntry) -> [Cell; 9] {
    let number = |value: Option<u32>| value.map_or_else(|| String::from("-"), |value| value.to_string());
    let why = [&entry.reason, &entry.detail].into_iter().flatten().map(String::as_str);
    let why = why.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
    let digest = entry.digest.as_ref().map(|digest| digest.short().to_owned());
    [
        entry.number.to_string().into(),
        local(entry.time).into(),
        entry.event.as_str().into(),
        Cell::styled(entry.patch.as_deref().unwrap_or("-"), NAME),
        Cell::styled(digest.unwrap_or_else(|| "-".into()), DIM),
        number(entry.uid).into(),
        number(entry.pid).into(),
        entry.command.as_deref().unwrap_or("-").into(),
        why.replace('\n', " ").into(),
    ]
}

fn verdict(verified: &Verified) -> String {
    let entries = count(usize::try_from(verified.entries).unwrap_or(usize::MAX), "history line");
    match &verified.broken {
        None => format!("{} {entries} in an unbroken chain", paint(GOOD, "verified:")),
        Some((number, what)) => format!("{} entry {number}: {what}", paint(BAD, "broken:")),
    }
}
