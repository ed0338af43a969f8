//! `patchctl diff`: what a patch changes in the source as the linked processes run it, or what is changed
//! at a place, in its source or its instructions.

use crate::daemon::Places;
use crate::error::{Error, Kind, Result};
use crate::exit::Exit;
use crate::looking::{
    Difference, Form, Options, Subject, Target, coloured, differences, find, for_file, report,
};
use crate::output::Output;
use patchctl_protocol::client::{ModuleTexts, Reply, Request};
use serde::Serialize;
use serde_json::json;

const EXAMPLES: &str = "Examples:
  patchctl diff fix                                what the patch `fix` changes
  patchctl diff app.core:Cart.total                what all patches change in a function
  patchctl diff app.core:Cart.total --instructions --side-by-side
  patchctl diff fix --pid 4711";

/// Show the patched source or instructions against the original, as the processes run them
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Id of a patch, or `module:qualname`
    #[arg(value_name = "PATCH|TARGET")]
    what: String,
    #[command(flatten)]
    options: Options,
    /// Compare instructions instead of source; only of a TARGET
    #[arg(long)]
    instructions: bool,
    /// Original and patched beside each other
    #[arg(long)]
    side_by_side: bool,
}

/// One module of the JSON document.
#[derive(Serialize)]
struct ModuleDiff<'a> {
    module: &'a str,
    file: Option<&'a str>,
    pids: &'a [u32],
    diff: String,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let form = Form::new(args.side_by_side);
    if Target::is_meant(&args.what) {
        return of_target(args, &form, places, output);
    }
    if args.instructions || args.options.python.is_some() {
        let message = format!("`{}` is no target", args.what);
        let hint = "instructions are compared at one place: `patchctl diff MODULE:QUALNAME --instructions`";
        return Err(Error::new(Kind::Usage, message).hint(hint));
    }
    let request = Request::Diff { id: args.what.clone(), pids: args.options.pid.clone() };
    let Reply::Diff { modules } = places.connect()?.ask(&request)? else {
        return Err(Error::unexpected_reply());
    };
    if modules.is_empty() {
        return Err(Error::new(Kind::NotFound, format!("no linked process runs {}", args.what)).hint(
            "`patchctl audit` shows its state; `patchctl check FILE --python PATH` works without a process",
        ));
    }
    if output.is_json() {
        let diffs: Vec<ModuleDiff> = modules.iter().map(of_module).collect();
        output.document(&json!({ "patch": args.what, "modules": diffs }))?;
        return Ok(Exit::Ok);
    }
    for texts in &modules {
        let path = texts.file.as_deref().unwrap_or(&texts.module);
        match &form {
            Form::Unified => output.data(&coloured(&of_module(texts).diff))?,
            Form::SideBySide(_) => output.data(&form.show((path, path), &texts.original, &texts.patched))?,
        }
        if texts.original == texts.patched {
            output.talk(format_args!(
                "{}: the source stays; `patchctl diff {}:QUALNAME` shows what changes in the compiled code",
                args.what, texts.module
            ));
        }
    }
    Ok(Exit::Ok)
}

fn of_module(texts: &ModuleTexts) -> ModuleDiff<'_> {
    let path = texts.file.as_deref().unwrap_or(&texts.module);
    let diff = for_file(path, &texts.original, &texts.patched);
    ModuleDiff { module: &texts.module, file: texts.file.as_deref(), pids: &texts.pids, diff }
}

fn of_target(args: &Args, form: &Form, places: &Places, output: &mut Output) -> Result<Exit> {
    let target = Target::parse(&args.what)?;
    let found = find(&target, &args.options, places)?;
    let differences = differences(&found, args.instructions)?;
    let details = |number: usize, _: &Subject| {
        let difference = &differences[number];
        let diff = difference.show(&target.name(), &Form::Unified);
        Ok(vec![("level", json!(difference.level)), ("diff", json!(diff))])
    };
    let show = |number: usize, subject: &Subject, output: &mut Output| {
        let difference = &differences[number];
        if difference.is_empty() {
            output.talk(Difference::nothing(subject));
            return Ok(());
        }
        let shown = difference.show(&target.name(), form);
        output.data(&if args.side_by_side { shown } else { coloured(&shown) })
    };
    report(&target, &found, output, details, show)
}
