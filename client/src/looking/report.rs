//! The answer of every command that looks at code: one document, or one heading and some text for each home of
//! the code. What is shown of it is up to the command.

use super::find;
use super::subject::{Found, Subject};
use super::target::{Options, Target};
use crate::daemon::Places;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;
use crate::style::{STRONG, paint};
use serde_json::{Value, json};

/// What is looked at.
#[derive(clap::Args)]
pub struct Sight {
    /// `module:qualname`, `FILE.py:qualname` or `FILE.pyc:qualname`; a file alone is its module's code
    #[arg(value_name = "TARGET")]
    target: String,
    #[command(flatten)]
    options: Options,
}

impl Sight {
    /// The target and its code.
    ///
    /// # Errors
    /// That there is none, or that it can't be read.
    pub fn find(&self, places: &Places) -> Result<(Target, Found)> {
        let target = Target::parse(&self.target)?;
        let found = find(&target, &self.options, places)?;
        Ok((target, found))
    }
}

/// Prints what was found: with `--json` the facts of each subject and what `details` adds to them, else a
/// heading and what `show` prints. Both get the subject's number in `found`, too.
///
/// # Errors
/// Those of `details` and `show`, and of the output.
pub fn report(
    target: &Target,
    found: &Found,
    output: &mut Output,
    details: impl Fn(usize, &Subject) -> Result<Vec<(&'static str, Value)>>,
    show: impl Fn(usize, &Subject, &mut Output) -> Result<()>,
) -> Result<Exit> {
    let numbered = || found.subjects.iter().enumerate();
    if output.is_json() {
        let document = |(number, subject): (usize, &Subject)| {
            let mut document = subject.facts();
            for (key, value) in details(number, subject)? {
                document[key] = value;
            }
            Ok(document)
        };
        let code = numbered().map(document).collect::<Result<Vec<Value>>>()?;
        output.document(&json!({ "target": target.name(), "code": code, "others": found.others }))?;
        return Ok(found.exit());
    }
    for (number, subject) in numbered() {
        output.line(paint(STRONG, &format!("{} in {}", target.name(), subject.whereabouts())))?;
        show(number, subject, output)?;
    }
    found.tell_others(output);
    Ok(found.exit())
}
