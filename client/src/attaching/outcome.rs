//! What became of each process, as text, as JSON and as an exit code.

use crate::error::{Error, Kind, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::time;
use crate::wording::count;
use patchctl_attach::{Attached, Process, Refusal, Sort};
use serde::Serialize;
use serde_json::json;

/// One process.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    Attached {
        python: String,
        method: &'static str,
        /// Longest time that a thread of it was held, and all times together, in microseconds.
        pause_us: u64,
        held_us: u64,
        holds: u32,
        /// From the look at the process to its link, in microseconds.
        took_us: u64,
    },
    /// It had a link before.
    Linked,
    Refused(Refused),
}

/// Why a process is not attached to.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    pub reason: &'static str,
    pub message: String,
    pub hints: Vec<String>,
    #[serde(skip)]
    pub kind: Kind,
}

impl From<&Refusal> for Refused {
    fn from(refusal: &Refusal) -> Self {
        let kind = match refusal.sort() {
            Sort::NotFound => Kind::NotFound,
            Sort::Denied => Kind::Denied,
            Sort::Refused => Kind::Refused,
            Sort::Failed => Kind::Failed,
        };
        let source = std::error::Error::source(refusal).map(|cause| format!(": {cause}"));
        let message = format!("{refusal}{}", source.unwrap_or_default());
        Self { reason: refusal.code(), message, hints: refusal.hints(), kind }
    }
}

impl Outcome {
    #[must_use]
    pub fn attached(attached: Attached, took: std::time::Duration) -> Self {
        Self::Attached {
            python: attached.python,
            method: attached.method.name(),
            pause_us: microseconds(attached.pause.longest),
            held_us: microseconds(attached.pause.total),
            holds: attached.pause.holds,
            took_us: microseconds(took),
        }
    }

    #[must_use]
    pub fn refused(refusal: &Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}

fn microseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Row of the document.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pid: i32,
    command: Vec<String>,
    #[serde(flatten)]
    outcome: Outcome,
}

/// All processes of one command.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Notes one process, and says so unless a document is wanted at the end.
    ///
    /// # Errors
    /// That it can't be printed.
    pub fn add(
        &mut self,
        pid: i32,
        process: Option<&Process>,
        outcome: Outcome,
        output: &mut Output,
    ) -> Result<()> {
        let command = process.map(|process| process.command.clone()).unwrap_or_default();
        if !output.is_json() {
            say(pid, &command, &outcome, output)?;
        }
        self.rows.push(Row { pid, command, outcome });
        Ok(())
    }

    /// Prints the document if one is wanted, and gives the exit code.
    ///
    /// # Errors
    /// That it can't be printed.
    pub fn finish(self, output: &mut Output) -> Result<Exit> {
        let refused: Vec<Kind> = self.rows.iter().filter_map(|row| kind(&row.outcome)).collect();
        if output.is_json() {
            let attached =
                self.rows.iter().filter(|row| matches!(row.outcome, Outcome::Attached { .. })).count();
            let summary = json!({
                "attached": attached,
                "linked": self.rows.len() - attached - refused.len(),
                "refused": refused.len(),
            });
            output.document(&json!({ "processes": self.rows, "summary": summary }))?;
        } else if self.rows.len() > 1 {
            let text = format!("{}, {} refused", count(self.rows.len(), "process"), refused.len());
            output.talk(text);
        }
        Ok(match refused[..] {
            [] => Exit::Ok,
            [first, ..] if refused.len() == self.rows.len() && refused.iter().all(|kind| *kind == first) => {
                first.exit()
            }
            _ => Exit::Failed,
        })
    }
}

fn kind(outcome: &Outcome) -> Option<Kind> {
    match outcome {
        Outcome::Refused(refused) => Some(refused.kind),
        _ => None,
    }
}

fn say(pid: i32, command: &[String], outcome: &Outcome, output: &mut Output) -> Result<()> {
    let name = name(command);
    match outcome {
        Outcome::Attached { python, pause_us, .. } => {
            let held = if *pause_us == 0 {
                "it was not held".into()
            } else {
                format!("one thread was held for {}", time::pause(*pause_us))
            };
            output.line(format_args!("attached to process {pid}{name}: CPython {python}, {held}"))
        }
        Outcome::Linked => output.line(format_args!("process {pid}{name} is linked already")),
        Outcome::Refused(Refused { message, hints, kind, .. }) => {
            let mut error = Error::new(*kind, format!("cannot attach to process {pid}{name}: {message}"));
            error.hints.clone_from(hints);
            output.error(&error);
            Ok(())
        }
    }
}

/// ` (python app.py)`, or nothing.
fn name(command: &[String]) -> String {
    if command.is_empty() {
        return String::new();
    }
    format!(" ({})", crate::wording::command_line(command))
}
