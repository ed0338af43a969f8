//! `patchctl hook install`.

use super::target::Target;
use crate::error::Result;
use crate::exit::Exit;
use crate::hook;
use crate::interpreter::Interpreter;
use crate::output::Output;
use serde_json::json;

/// Put the hook into an interpreter's site-packages; processes that start from then on are linked
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl hook install --python /srv/app/.venv")]
pub struct Args {
    #[command(flatten)]
    target: Target,
}

pub fn run(args: &Args, output: &mut Output) -> Result<Exit> {
    let interpreter = Interpreter::ask(&args.target.python)?;
    let marker = hook::install(&interpreter)?;
    let folder = &interpreter.site_packages;
    if output.is_json() {
        let files: Vec<_> = marker.files.keys().map(|name| folder.join(name)).collect();
        output.document(&json!({ "python": interpreter, "version": marker.version, "files": files }))?;
        return Ok(Exit::Ok);
    }
    output.line(format_args!("installed the hook {} into {}", marker.version, folder.display()))?;
    output.talk("processes that start from now on are linked; running ones need a restart");
    Ok(Exit::Ok)
}
