//! `patchctl key trust`.

use super::Keys;
use super::folder::{public, stem};
use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;
use serde_json::json;
use std::path::PathBuf;

/// Trust a public key from another machine
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl key trust ops.pub\n  patchctl key trust ops.pub --name team")]
pub struct Args {
    /// The file with the public key
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Its name here; else the file's
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let keys = Keys::of(places);
    let key = public(&args.file)?;
    let name = args.name.clone().unwrap_or_else(|| stem(&args.file));
    let path = keys.write(&name, "pub", &key.to_text(), keys.public_mode())?;
    if output.is_json() {
        output.document(&json!({ "name": name, "key": key.to_string(), "public": path }))?;
    } else {
        output.line(format_args!("trusting {name}: {key}"))?;
    }
    Ok(Exit::Ok)
}
