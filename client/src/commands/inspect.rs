//! `patchctl inspect`: every attribute of a code object, original and patched.

use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::looking::{Code, Sight, Subject, attributes, report};
use crate::output::Output;
use crate::style::{BAD, GOOD, NAME, PLAIN, paint};
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
    #[command(flatten)]
    sight: Sight,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    let (target, found) = args.sight.find(places)?;
    let show = |_, subject: &Subject, output: &mut Output| {
        lines(subject).into_iter().try_for_each(|line| output.line(line))
    };
    report(&target, &found, output, |_, subject| Ok(details(subject)), show)
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

fn details(subject: &Subject) -> Vec<(&'static str, Value)> {
    let object = |code: &Code| -> Map<String, Value> {
        let all = attributes(&code.object, subject.version).into_iter();
        all.map(|(name, value)| (name.to_owned(), Value::String(value))).collect()
    };
    let original = subject.original.as_ref().map(object);
    vec![("live", json!(object(&subject.live))), ("original", json!(original))]
}
