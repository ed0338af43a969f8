//! `patchctl list`: the registered patches.

use crate::daemon::Places;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{BAD, DIM, GOOD, NAME, WARN, paint};
use crate::table::{Cell, Table};
use crate::time::local;
use crate::wording;
use patchctl_protocol::client::{PatchInfo, Reply, Request};
use serde_json::json;

/// List the patches
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl list\n  patchctl list --json")]
pub struct Args {}

pub fn run(_args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let Reply::Patches { patches } = places.connect()?.ask(&Request::List)? else {
        return Err(Error::unexpected_reply());
    };
    if output.is_json() {
        output.document(&json!({ "patches": patches }))?;
        return Ok(Exit::Ok);
    }
    if patches.is_empty() {
        output.talk("no patches");
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["PATCH", "STATE", "KIND", "ADDED", "EXPIRES", "MODULES", "REASON"]);
    for patch in &patches {
        table.row(row(patch));
    }
    output.data(&table.render())?;
    let mut faults = patches.iter().filter_map(fault).map(|fault| paint(WARN, &fault));
    faults.try_for_each(|fault| output.line(fault))?;
    Ok(Exit::Ok)
}

/// What is wrong with a patch's file, and whether an earlier version of it is active.
fn fault(patch: &PatchInfo) -> Option<String> {
    let broken = patch.broken.as_ref()?;
    let file = patch.file.rsplit('/').next().unwrap_or(&patch.file);
    let named = if broken.contains(file) { broken.clone() } else { format!("{file}: {broken}") };
    let active = if patch.modules.is_empty() { "" } else { " (its last good version is active)" };
    Some(named + active)
}

fn row(patch: &PatchInfo) -> [Cell; 7] {
    let time = |seconds: Option<f64>| seconds.map_or_else(|| String::from("-"), local);
    let reasons = [&patch.header.cve, &patch.header.reason].into_iter().flatten();
    [
        Cell::styled(&patch.id, NAME),
        state(patch),
        wording::name_of(&patch.kind).into(),
        time(patch.added_at).into(),
        time(patch.header.expires).into(),
        patch.modules.join(", ").into(),
        reasons.map(String::as_str).collect::<Vec<_>>().join(": ").into(),
    ]
}

/// `enabled`, `disabled`, `expired` or `broken`.
pub fn state(patch: &PatchInfo) -> Cell {
    match patch {
        PatchInfo { broken: Some(_), .. } => Cell::styled("broken", BAD),
        PatchInfo { expired: true, .. } => Cell::styled("expired", DIM),
        PatchInfo { enabled: true, .. } => Cell::styled("enabled", GOOD),
        _ => Cell::styled("disabled", DIM),
    }
}
