//! `patchctl key list`.

use super::Keys;
use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;
use crate::style::NAME;
use crate::table::{Cell, Table};
use serde_json::json;

/// List the trusted keys
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl key list")]
pub struct Args {}

pub fn run(_args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let keys = Keys::of(places);
    let all = keys.all()?;
    let signs = |name: &str| keys.path(name, "key").exists();
    if output.is_json() {
        let row = |(name, key): &(String, patchctl_signature::Public)| json!({ "name": name, "key": key.to_string(), "signs": signs(name) });
        output.document(&json!({ "keys": all.iter().map(row).collect::<Vec<_>>() }))?;
        return Ok(Exit::Ok);
    }
    if all.is_empty() {
        output.talk("no keys are trusted");
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["NAME", "KEY", "SECRET"]);
    for (name, key) in &all {
        let secret = if signs(name) { "here" } else { "-" };
        table.row([Cell::styled(name, NAME), key.to_string().into(), secret.into()]);
    }
    output.data(&table.render())?;
    Ok(Exit::Ok)
}
