//! `patchctl key forget`.

use super::Keys;
use crate::daemon::Places;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::output::Output;
use serde_json::json;
use std::fs;

/// Trust a key no more: patches that are signed with it count as unsigned
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl key forget ops")]
pub struct Args {
    /// Name of the key
    #[arg(value_name = "NAME")]
    name: String,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let path = Keys::of(places).path(&args.name, "pub");
    fs::remove_file(&path).map_err(|error| Error::file("remove", &path, &error))?;
    if output.is_json() {
        output.document(&json!({ "name": args.name }))?;
    } else {
        output.line(format_args!("{} is not trusted any more", args.name))?;
    }
    Ok(Exit::Ok)
}
