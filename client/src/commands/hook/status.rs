//! `patchctl hook status`.

use super::target::Target;
use crate::error::Result;
use crate::exit::Exit;
use crate::hook::{self, Owner};
use crate::interpreter::Interpreter;
use crate::output::Output;
use crate::style::{DIM, WARN, paint};
use serde_json::json;
use std::path::PathBuf;

/// Tell whether an interpreter has the hook, which version, and who put it there; exit code 5 if it has none
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl hook status --python /srv/app/.venv/bin/python")]
pub struct Args {
    #[command(flatten)]
    target: Target,
}

pub fn run(args: &Args, output: &mut Output) -> Result<Exit> {
    let interpreter = Interpreter::ask(&args.target.python)?;
    let owner = Owner::of(&interpreter.site_packages)?;
    let refused = hook::support(&interpreter);
    let altered = match &owner {
        Owner::Patchctl(marker) => marker.altered(&interpreter.site_packages),
        _ => Vec::new(),
    };
    let exit = if owner == Owner::Nobody { Exit::NotFound } else { Exit::Ok };
    if output.is_json() {
        let document = json!({
            "python": interpreter, "installed": owner, "altered": altered, "unsupported": refused
        });
        output.document(&document)?;
        return Ok(exit);
    }
    print(&interpreter, &owner, refused, &altered, output)?;
    Ok(exit)
}

fn print(
    interpreter: &Interpreter,
    owner: &Owner,
    refused: Option<String>,
    altered: &[PathBuf],
    output: &mut Output,
) -> Result<()> {
    let installed = match owner {
        Owner::Pip { version } => format!("{version}, by pip"),
        Owner::Patchctl(marker) => format!("{}, by patchctl hook install", marker.version),
        Owner::Nobody => "not installed".to_owned(),
        Owner::Unknown => "installed by an unknown hand".to_owned(),
    };
    let mut lines = vec![
        ("hook", installed),
        ("python", format!("{} {}", interpreter.version, interpreter.executable)),
        ("folder", interpreter.site_packages.display().to_string()),
    ];
    lines.extend(refused.map(|reason| ("refused", paint(WARN, &reason))));
    lines.extend(altered.iter().map(|path| ("altered", paint(WARN, &path.display().to_string()))));
    for (name, value) in lines {
        output.line(format_args!("{} {value}", paint(DIM, &format!("{name:<8}"))))?;
    }
    Ok(())
}
