//! `patchctl dis`: the instructions of code as processes run it, or as a file has it.

use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::looking::{self, Listing, Options, Subject, Target};
use crate::output::Output;
use crate::style::{STRONG, paint};
use serde_json::{Value, json};

const EXAMPLES: &str = "Examples:
  patchctl dis app.core:Cart.total                 as the linked processes run it
  patchctl dis app.core:Cart.total --pid 4711 --original
  patchctl dis app.core:Cart.total --python .venv
  patchctl dis build/app.pyc:main --json";

/// Show the instructions of a function with lines, labels, exception handlers and source
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// `module:qualname`, `FILE.py:qualname` or `FILE.pyc:qualname`; a file alone is its module's code
    #[arg(value_name = "TARGET")]
    target: String,
    #[command(flatten)]
    options: Options,
    /// What was there before the patches
    #[arg(long)]
    original: bool,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let target = Target::parse(&args.target)?;
    let found = looking::find(&target, &args.options, places)?;
    if output.is_json() {
        let code = found.subjects.iter().map(document).collect::<Result<Vec<_>>>()?;
        output.document(&json!({ "target": target.name(), "code": code, "others": found.others }))?;
        return Ok(found.exit());
    }
    for subject in &found.subjects {
        output.line(paint(STRONG, &format!("{} in {}", target.name(), subject.whereabouts())))?;
        let code = if args.original { subject.before(output) } else { Some(&subject.live) };
        let Some(code) = code else { continue };
        for line in Listing::new(code, subject.version)?.lines() {
            output.line(line)?;
        }
    }
    found.tell_others(output);
    Ok(found.exit())
}

fn document(subject: &Subject) -> Result<Value> {
    let original = subject.original.as_ref().map(|code| Listing::new(code, subject.version)).transpose()?;
    let mut document = subject.facts();
    document["live"] = json!(Listing::new(&subject.live, subject.version)?);
    document["original"] = json!(original);
    Ok(document)
}
