//! `patchctl sign`: puts a signature into patch files.

use super::add;
use super::key::Keys;
use crate::daemon::Places;
use crate::error::{Error, Kind, Result};
use crate::exit::Exit;
use crate::output::Output;
use patchctl_signature::{Secret, Signature, sign};
use serde_json::json;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "Examples:
  patchctl sign fix.diff --key ops
  patchctl sign patches.d/*.diff --key /media/stick/ops.key";

/// Sign patch files: the signature becomes a comment block in each of them
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The patch files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Name of a key of `patchctl key`, or the path of a file with a secret key
    #[arg(long, value_name = "KEY")]
    key: String,
    /// Serial number; else the seconds since 1970. A daemon takes no version older than one it had
    #[arg(long, value_name = "N")]
    serial: Option<u64>,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let secret = Keys::of(places).secret(&args.key)?;
    let mut rows = Vec::new();
    for path in &args.files {
        let (patch, serial) = sign_file(path, args.serial, &secret)?;
        if !output.is_json() {
            output.line(format_args!("signed {} as patch {patch}, serial {serial}", path.display()))?;
        }
        rows.push(json!({ "file": path, "patch": patch, "serial": serial }));
    }
    if output.is_json() {
        output.document(&json!({ "signed": rows, "key": secret.public().to_string() }))?;
    }
    Ok(Exit::Ok)
}

fn sign_file(path: &Path, serial: Option<u64>, secret: &Secret) -> Result<(String, u64)> {
    let content = add::read(path)?.content;
    let patch = add::parse(path, &content, None)?.id;
    let before = Signature::of(content.as_bytes(), &patch).ok().flatten().map_or(0, |old| old.serial + 1);
    let serial = serial.unwrap_or_else(|| before.max(seconds()));
    let malformed = |error: patchctl_signature::Fault| {
        Error::new(Kind::Malformed, format!("{}: {error}", path.display()))
    };
    let text = sign(&content, &patch, serial, secret).map_err(malformed)?;
    replace(path, &text).map_err(|error| Error::file("write", path, &error))?;
    Ok((patch, serial))
}

/// Whole or not at all; modes are kept, and links are followed.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = fs::canonicalize(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::File::create_new(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::metadata(&path)?.permissions())?;
        file.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&temporary, &path));
    if done.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    done
}

fn seconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
