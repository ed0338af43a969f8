//! The long-running application: starting it, and asking it to show whether the hole is open.

use super::scratch::Scratch;
use crate::error::{Error, Kind, Result};
use serde::Deserialize;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// How long the application may take for an answer.
const DEADLINE: Duration = Duration::from_secs(30);

/// What it says when it is ready.
#[derive(Deserialize)]
struct Ready {
    pid: u32,
}

/// What it saw.
#[derive(Deserialize)]
pub struct Sight {
    pub pid: u32,
    /// Whether the hole is open.
    pub hole: bool,
    /// What happened, as a fragment.
    pub saw: String,
}

/// The running application.
pub struct Application<'a> {
    scratch: &'a Scratch,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    /// Its process id, as it says itself.
    pub pid: u32,
}

impl<'a> Application<'a> {
    /// Starts `app.py` and waits until it is ready.
    ///
    /// # Errors
    /// That it does not start.
    pub fn start(scratch: &'a Scratch, python: &Path) -> Result<Self> {
        let mut command = scratch.command(python);
        command.arg("app.py").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = scratch.start(&mut command)?;
        let input = child.stdin.take();
        let (sender, lines) = mpsc::channel();
        if let Some(pipe) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(std::io::Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        let mut application = Self { scratch, child, input, lines, pid: 0 };
        application.pid = parse::<Ready>(&application.answer()?)?.pid;
        Ok(application)
    }

    /// Lets it make its request.
    ///
    /// # Errors
    /// That it ended, or does not answer.
    pub fn look(&mut self) -> Result<Sight> {
        let failed = |error| Error::new(Kind::Failed, "the application takes no more requests").cause(error);
        if let Some(input) = &mut self.input {
            input.write_all(b"look\n").and_then(|()| input.flush()).map_err(failed)?;
        }
        parse(&self.answer()?)
    }

    fn answer(&self) -> Result<String> {
        self.lines
            .recv_timeout(DEADLINE)
            .map_err(|error| Error::new(Kind::Failed, "the application does not answer").cause(error))
    }

    /// Ends it by closing its input.
    ///
    /// # Errors
    /// That it ended with a failure.
    pub fn end(mut self) -> Result<()> {
        drop(self.input.take());
        let status = self.child.wait();
        self.scratch.ended(&self.child);
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Error::new(Kind::Failed, format!("the application ended with {status}"))),
            Err(error) => Err(Error::new(Kind::Failed, "failed to wait for the application").cause(error)),
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T> {
    serde_json::from_str(line)
        .map_err(|error| Error::new(Kind::Failed, format!("the application said `{line}`")).cause(error))
}
