//! `patchctl diff`: what a patch changes in the source as the linked processes run it.

use crate::daemon::Places;
use crate::error::{Error, Kind, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{BAD, GOOD, NAME, PLAIN, STRONG, paint};
use patchctl_protocol::client::{ModuleTexts, Reply, Request};
use serde::Serialize;
use similar::TextDiff;

/// Show the patched source against the original, as the processes run it
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  patchctl diff fix\n  patchctl diff fix --pid 4711")]
pub struct Args {
    /// Id of the patch
    #[arg(value_name = "PATCH")]
    id: String,
    /// Only as this process runs it
    #[arg(long, value_name = "PID")]
    pid: Vec<u32>,
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
    let request = Request::Diff { id: args.id.clone(), pids: args.pid.clone() };
    let Reply::Diff { modules } = places.connect()?.ask(&request)? else {
        return Err(Error::unexpected_reply());
    };
    if modules.is_empty() {
        return Err(Error::new(Kind::NotFound, format!("no linked process runs {}", args.id)).hint(
            "`patchctl audit` shows its state; `patchctl check FILE --python PATH` works without a process",
        ));
    }
    let diffs: Vec<ModuleDiff> = modules.iter().map(of_module).collect();
    if output.is_json() {
        output.document(&serde_json::json!({ "patch": args.id, "modules": diffs }))?;
        return Ok(Exit::Ok);
    }
    for diff in &diffs {
        output.data(&coloured(&diff.diff))?;
    }
    Ok(Exit::Ok)
}

fn of_module(texts: &ModuleTexts) -> ModuleDiff<'_> {
    let path = texts.file.as_deref().unwrap_or(&texts.module);
    let diff = unified(path, &texts.original, &texts.patched);
    ModuleDiff { module: &texts.module, file: texts.file.as_deref(), pids: &texts.pids, diff }
}

/// A unified diff with the original file's name on both sides.
pub fn unified(path: &str, original: &str, patched: &str) -> String {
    let diff = TextDiff::from_lines(original, patched);
    diff.unified_diff()
        .header(
            &format!("a/{}", path.trim_start_matches('/')),
            &format!("b/{}", path.trim_start_matches('/')),
        )
        .to_string()
}

/// A diff with its lines coloured by what they are.
pub fn coloured(diff: &str) -> String {
    let mut text = String::new();
    for line in diff.lines() {
        let style = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => STRONG,
            [b'+', ..] => GOOD,
            [b'-', ..] => BAD,
            [b'@', ..] => NAME,
            _ => PLAIN,
        };
        text.push_str(&paint(style, line));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{coloured, unified};

    #[test]
    fn the_diff_applies_to_the_named_file() {
        let diff = unified("/site/m.py", "a\nb\n", "a\nc\n");
        assert_eq!(diff, "--- a/site/m.py\n+++ b/site/m.py\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
        assert_eq!(anstream::adapter::strip_str(&coloured(&diff)).to_string(), diff);
    }
}
