//! The arguments of `patchctl demo`, and its end.

use super::scratch::Scratch;
use super::stage::Stage;
use super::story;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{BAD, GOOD, paint};
use serde_json::json;
use std::path::PathBuf;

/// See it all at work: close a hole of a real package in a running process, and open it again
#[derive(clap::Args)]
#[command(
    after_help = "Everything happens in a scratch folder with a daemon of its own, which are gone at the end.\n\n\
                  Examples:\n  patchctl demo\n  patchctl demo --keep --python python3.12"
)]
pub struct Args {
    /// The interpreter to make the virtual environment with; else the one that this patchctl belongs to
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Use the sample package that this program carries, without asking the package registry
    #[arg(long)]
    sample: bool,
    /// Leave the scratch folder in place
    #[arg(long)]
    keep: bool,
}

pub fn run(args: &Args, output: &mut Output) -> Result<Exit> {
    let scratch = Scratch::new(args.keep)?;
    let mut stage = Stage::new(&scratch, output)?;
    let ended = story::tell(args.python.as_deref(), args.sample, &mut stage);
    scratch.clean_up();
    let (steps, output) = stage.into_parts();
    let failure = ended.as_ref().err();
    if output.is_json() {
        output.document(&json!({ "steps": steps, "succeeded": failure.is_none(), "error": failure }))?;
        return Ok(failure.map_or(Exit::Ok, |_| Exit::Failed));
    }
    if let Some(error) = failure {
        output.error(error);
        output.line(paint(BAD, "the demo did not do what it should"))?;
        return Ok(Exit::Failed);
    }
    let left =
        if args.keep { format!("{} is left", scratch.folder().display()) } else { "nothing is left".into() };
    output.line(format_args!("{} {left}", paint(GOOD, "every step did what it should;")))?;
    Ok(Exit::Ok)
}
