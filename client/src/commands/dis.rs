//! `patchctl dis`: the instructions of code as processes run it, or as a file has it.

use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::looking::{Listing, Sight, Subject, report};
use crate::output::Output;
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
    #[command(flatten)]
    sight: Sight,
    /// What was there before the patches
    #[arg(long)]
    original: bool,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let (target, found) = args.sight.find(places)?;
    let show = |_, subject: &Subject, output: &mut Output| {
        let code = if args.original { subject.before(output) } else { Some(&subject.live) };
        let Some(code) = code else { return Ok(()) };
        for line in Listing::new(code, subject.version)?.lines() {
            output.line(line)?;
        }
        Ok(())
    };
    report(&target, &found, output, |_, subject| details(subject), show)
}

fn details(subject: &Subject) -> Result<Vec<(&'static str, Value)>> {
    let original = subject.original.as_ref().map(|code| Listing::new(code, subject.version)).transpose()?;
    let live = Listing::new(&subject.live, subject.version)?;
    Ok(vec![("live", json!(live)), ("original", json!(original))])
}
