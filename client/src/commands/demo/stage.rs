//! Doing a step of the demo in front of the user: the command as one would type it, its progress, what it
//! said; and a record of it all for JSON.

use super::scratch::Scratch;
use crate::error::{Error, Kind, Result};
use crate::output::Output;
use crate::style::{BAD, DIM, GOOD, NAME, STRONG, paint};
use serde::Serialize;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Time between two looks at a running command.
const INTERVAL: Duration = Duration::from_millis(5);

/// A step, for JSON.
#[derive(Serialize)]
pub struct Step {
    /// The command as one would type it, or what was looked at.
    did: String,
    said: String,
    seconds: f64,
}

/// Where the demo happens.
pub struct Stage<'a> {
    pub scratch: &'a Scratch,
    output: &'a mut Output,
    steps: Vec<Step>,
}

/// What a command said.
pub struct Said {
    pub status: ExitStatus,
    pub text: String,
}

impl<'a> Stage<'a> {
    /// Opens with the scratch folder.
    ///
    /// # Errors
    /// That nothing can be printed.
    pub fn new(scratch: &'a Scratch, output: &'a mut Output) -> Result<Self> {
        let mut stage = Self { scratch, output, steps: Vec::new() };
        stage.say(&format!("A demo in {}, with a daemon of its own:", scratch.folder().display()))?;
        stage.prompt(&format!("cd {}", scratch.folder().display()))?;
        stage.prompt("export PATCHCTL_HOME=$PWD/home")?;
        Ok(stage)
    }

    /// The record and the output, when all is over.
    pub fn into_parts(self) -> (Vec<Step>, &'a mut Output) {
        (self.steps, self.output)
    }

    /// A sentence to the user.
    ///
    /// # Errors
    /// That it can't be printed.
    pub fn say(&mut self, sentence: &str) -> Result<()> {
        self.print(&format!("\n{}\n", paint(STRONG, sentence)))
    }

    /// Text that a command said, or that stands in a file, set in.
    ///
    /// # Errors
    /// That it can't be printed.
    pub fn show(&mut self, text: &str) -> Result<()> {
        let lines: Vec<String> = text.trim_end().lines().map(|line| format!("    {line}\n")).collect();
        self.print(&lines.concat())
    }

    /// Something that was looked at and must be so.
    ///
    /// # Errors
    /// That it is not so.
    pub fn expect(&mut self, what: &str, is_so: bool) -> Result<()> {
        let mark = if is_so { paint(GOOD, "as it should be:") } else { paint(BAD, "not as it should be:") };
        self.print(&format!("    {mark} {what}\n"))?;
        self.steps.push(Step { did: "look".into(), said: what.to_owned(), seconds: 0.0 });
        if is_so { Ok(()) } else { Err(Error::new(Kind::Failed, format!("not as it should be: {what}"))) }
    }

    /// The line that one would type.
    ///
    /// # Errors
    /// That it can't be printed.
    pub fn prompt(&mut self, typed: &str) -> Result<()> {
        self.print(&format!("  {} {}\n", paint(DIM, "$"), paint(NAME, typed)))
    }

    /// Runs `patchctl` with the words that are typed after it, shows what it says, and wants it to succeed.
    ///
    /// # Errors
    /// That it did not succeed.
    pub fn patchctl(&mut self, words: &[&str]) -> Result<()> {
        let mut command = self.scratch.patchctl();
        command.args(["--color", if self.output.is_coloured() { "always" } else { "never" }]).args(words);
        let typed = format!("patchctl {}", words.join(" "));
        let said = self.run(&typed, &mut command)?;
        self.show(&said.text)?;
        require(&typed, &said)
    }

    /// Runs a command that says nothing of interest unless it fails.
    ///
    /// # Errors
    /// That it did not succeed.
    pub fn quietly(&mut self, typed: &str, command: &mut Command) -> Result<()> {
        let said = self.run(typed, command)?;
        if !said.status.success() {
            self.show(&said.text)?;
        }
        require(typed, &said)
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// That it could not be started.
    pub fn run(&mut self, typed: &str, command: &mut Command) -> Result<Said> {
        self.prompt(typed)?;
        let path = self.scratch.folder().join("said.txt");
        let failed = |error| Error::file("write", &path, &error);
        let file = File::create(&path).map_err(failed)?;
        command.stdin(Stdio::null()).stdout(file.try_clone().map_err(failed)?).stderr(file);
        let begun = Instant::now();
        let mut child = self.scratch.start(command)?;
        let status = self.wait(&mut child, begun)?;
        self.scratch.ended(&child);
        let text = read(&path)?;
        let seconds = begun.elapsed().as_secs_f64();
        self.steps.push(Step { did: typed.to_owned(), said: text.clone(), seconds });
        Ok(Said { status, text })
    }

    fn wait(&mut self, child: &mut Child, begun: Instant) -> Result<ExitStatus> {
        let mut shown = 0;
        loop {
            let ended = child.try_wait();
            if let Some(status) =
                ended.map_err(|error| Error::new(Kind::Failed, "failed to wait").cause(error))?
            {
                if shown > 0 {
                    self.output.progress("");
                }
                return Ok(status);
            }
            let seconds = begun.elapsed().as_secs();
            if seconds > shown {
                shown = seconds;
                self.output.progress(&format!("    ... {seconds} s"));
            }
            thread::sleep(INTERVAL);
        }
    }

    fn print(&mut self, text: &str) -> Result<()> {
        if self.output.is_json() { Ok(()) } else { self.output.data(text) }
    }
}

fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|error| Error::file("read", path, &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn require(typed: &str, said: &Said) -> Result<()> {
    if said.status.success() {
        return Ok(());
    }
    Err(Error::new(Kind::Failed, format!("`{typed}` ended with {}", said.status)))
}
