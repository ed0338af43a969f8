//! `patchctl key generate`.

use super::Keys;
use crate::daemon::Places;
use crate::error::{Error, Kind, Result};
use crate::exit::Exit;
use crate::output::Output;
use patchctl_signature::Secret;
use serde_json::json;

/// Make a key that signs, and trust it
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl key generate ops")]
pub struct Args {
    /// Name of the key
    #[arg(value_name = "NAME")]
    name: String,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let keys = Keys::of(places);
    let secret = Secret::generate().map_err(|error| Error::new(Kind::Failed, error.to_string()))?;
    let secret_file = keys.write(&args.name, "key", &secret.to_text(), 0o600)?;
    let public_file = keys.write(&args.name, "pub", &secret.public().to_text(), keys.public_mode())?;
    if output.is_json() {
        let key = secret.public().to_string();
        output.document(
            &json!({ "name": args.name, "key": key, "secret": secret_file, "public": public_file }),
        )?;
        return Ok(Exit::Ok);
    }
    output.line(format_args!("key {}: {}", args.name, secret.public()))?;
    output.line(format_args!(
        "  secret  {}  (keep it to yourself; it may live on another machine)",
        secret_file.display()
    ))?;
    output.line(format_args!("  public  {}", public_file.display()))?;
    Ok(Exit::Ok)
}
