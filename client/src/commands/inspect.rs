//! `patchctl inspect`: every attribute of a code object, original and patched.

use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::looking::{self, Code, Options, Subject, Target, attributes};
use crate::output::Output;
use crate::style::{BAD, GOOD, NAME, PLAIN, STRONG, paint};
use anstyle::Style;
use serde_json::{Map, Value, json};

const EXAMPLES: &str = "Examples:
  patchctl inspect app.core:Cart.total
  patchctl inspect app.core:Cart.total --pid 4711 --json
  patchctl inspect build/app.pyc";

/// Show all attributes of a function's code object, original and patched
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// `module:qualname`, `FILE.py:qualname` or `FILE.pyc:qualname`; a file alone is its module's code
    #[arg(value_name = "TARGET")]
    target: String,
    #[command(flatten)]
    options: Options,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let target = Target::parse(&args.target)?;
    let found = looking::find(&target, &args.options, places)?;
    if output.is_json() {
        let code: Vec<Value> = found.subjects.iter().map(document).collect();
        output.document(&json!({ "target": target.name(), "code": code, "others": found.others }))?;
        return Ok(found.exit());
    }
    for subject in &found.subjects {
        output.line(paint(STRONG, &format!("{} in {}", target.name(), subject.whereabouts())))?;
        for line in lines(subject) {
            output.line(line)?;
        }
    }
    found.tell_others(output);
    Ok(found.exit())
}

/// One line for an attribute that is as it was, two for one that changed.
fn lines(subject: &Subject) -> Vec<String> {
    let live = attributes(&subject.live.object, subject.version);
    let before = subject.original.as_ref().map(|code| attributes(&code.object, subject.version));
    let before = before.unwrap_or_else(|| live.clone());
    let mut lines = Vec::new();
    let line = |mark: &str, name: &str, value: &str, style: Style| {
        format!("{} {}  {}", paint(style, mark), paint(NAME, &format!("{name:<19}")), paint(style, value))
    };
    for ((name, old), (_, new)) in before.iter().zip(&live) {
        if old == new {
            lines.push(line(" ", name, new, PLAIN));
        } else {
            lines.push(line("-", name, old, BAD));
            lines.push(line("+", name, new, GOOD));
        }
    }
    lines
}

fn document(subject: &Subject) -> Value {
    let object = |code: &Code| -> Map<String, Value> {
        let all = attributes(&code.object, subject.version).into_iter();
        all.map(|(name, value)| (name.to_owned(), Value::String(value))).collect()
    };
    let mut document = subject.facts();
    document["live"] = json!(object(&subject.live));
    document["original"] = json!(subject.original.as_ref().map(object));
    document
}
