//! `patchctl hook uninstall`.

use super::target::Target;
use crate::error::Result;
use crate::exit::Exit;
use crate::hook;
use crate::interpreter::Interpreter;
use crate::output::Output;
use crate::wording::count;

/// Take out of an interpreter's site-packages exactly what `hook install` put there
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl hook uninstall --python /srv/app/.venv")]
pub struct Args {
    #[command(flatten)]
    target: Target,
}

pub fn run(args: &Args, output: &mut Output) -> Result<Exit> {
    let interpreter = Interpreter::ask(&args.target.python)?;
    let done = hook::uninstall(&interpreter)?;
    let folder = interpreter.site_packages.display();
    if output.is_json() {
        output.document(&done.unwrap_or_default())?;
        return Ok(Exit::Ok);
    }
    let Some(done) = done else {
        output.line(format_args!("the hook is not installed in {folder}"))?;
        return Ok(Exit::Ok);
    };
    output.line(format_args!("removed {} from {folder}", count(done.removed.len(), "file")))?;
    for path in &done.left {
        output.talk(format_args!("left {}: somebody changed it", path.display()));
    }
    Ok(Exit::Ok)
}
