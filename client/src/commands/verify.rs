//! `patchctl verify`: checks the signatures of patch files.

use super::add;
use super::key::Keys;
use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;
use patchctl_signature::{Public, Signature};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Check the signatures of patch files against the trusted keys
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl verify fix.diff\n  patchctl verify patches.d/*.diff")]
pub struct Args {
    /// The patch files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What a file's signature comes to.
type Verdict = std::result::Result<(String, u64), String>;

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let keys = Keys::of(places).all()?;
    let mut rows = Vec::new();
    let mut all_good = true;
    for path in &args.files {
        let verdict = verify(path, &keys)?;
        all_good &= verdict.is_ok();
        let name = path.display();
        let (text, row) = match verdict {
            Ok((key, serial)) => (
                format!("{name}: signed by {key}, serial {serial}"),
                json!({ "file": path, "good": true, "key": key, "serial": serial }),
            ),
            Err(fault) => {
                (format!("{name}: {fault}"), json!({ "file": path, "good": false, "fault": fault }))
            }
        };
        if !output.is_json() {
            output.line(text)?;
        }
        rows.push(row);
    }
    if output.is_json() {
        output.document(&json!({ "files": rows }))?;
    }
    Ok(if all_good { Exit::Ok } else { Exit::Refused })
}

fn verify(path: &Path, keys: &[(String, Public)]) -> Result<Verdict> {
    let content = add::read(path)?.content;
    let patch = add::parse(path, &content, None)?.id;
    Ok(match Signature::of(content.as_bytes(), &patch) {
        Err(fault) => Err(format!("bad signature: {fault}")),
        Ok(None) => Err("not signed".to_owned()),
        Ok(Some(signature)) => match keys.iter().find(|(_, key)| signature.is_of(key)) {
            Some((name, _)) => Ok((name.clone(), signature.serial)),
            None => Err(format!("signed with an unknown key {}", signature.key)),
        },
    })
}
