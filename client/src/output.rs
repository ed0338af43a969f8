//! The one place that prints: data to stdout, talk to stderr, errors with causes and hints. What is
//! said stands in the commands.

use crate::error::{Error, Kind, Result};
use crate::exit::Exit;
use crate::printable::in_lines;
use crate::style::{BAD, DIM, STRONG, paint};
use anstream::{AutoStream, ColorChoice};
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Also into files and pipes
    Always,
    /// Nowhere
    Never,
}

/// Where everything printed goes through.
pub struct Output {
    json: bool,
    quiet: bool,
    stdout: AutoStream<io::Stdout>,
    stderr: AutoStream<io::Stderr>,
}

impl Output {
    #[must_use]
    pub fn new(json: bool, quiet: bool, color: Color) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let stdout = AutoStream::new(io::stdout(), choice);
        Self { json, quiet, stdout, stderr: AutoStream::new(io::stderr(), choice) }
    }

    /// Whether one JSON document is wanted instead of text.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether what is printed to stdout is coloured.
    #[must_use]
    pub fn is_coloured(&self) -> bool {
        self.stdout.current_choice() != ColorChoice::Never
    }

    /// Prints text and a newline.
    ///
    /// # Errors
    /// That the reader went away, or the write failed.
    pub fn line(&mut self, text: impl Display) -> Result<()> {
        self.text(&format!("{text}\n"))
    }

    /// Prints text, with what would steer a terminal shown by its number.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn text(&mut self, text: &str) -> Result<()> {
        self.data(&in_lines(text))
    }

    /// Prints data as it is.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn data(&mut self, text: &str) -> Result<()> {
        self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush()).map_err(write_error)
    }

    /// Prints the command's one JSON document.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn document(&mut self, document: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(document).map_err(|error| write_error(error.into()))?;
        self.data(&format!("{text}\n"))
    }

    /// Says something about the work; not with `--quiet`. A stderr that is gone is no error.
    pub fn talk(&mut self, text: impl Display) {
        if !self.quiet {
            let _ = writeln!(self.stderr, "{}", in_lines(&text.to_string()));
        }
    }

    /// Shows how far the work is, over the same line of a terminal; nothing elsewhere.
    pub fn progress(&mut self, text: &str) {
        if !self.quiet && !self.json && io::stderr().is_terminal() {
            let _ = write!(self.stderr, "\r\x1b[2K{}", paint(DIM, text));
            let _ = self.stderr.flush();
        }
    }

    /// Says a hint on the next step.
    pub fn hint(&mut self, text: impl Display) {
        self.talk(format_args!("{} {text}", paint(STRONG, "hint:")));
    }

    /// Says an error, in the wanted form, and gives its exit code.
    pub fn error(&mut self, error: &Error) -> Exit {
        let exit = error.kind.exit();
        if error.kind == Kind::ClosedPipe {
            return exit;
        }
        if self.json {
            let document = serde_json::json!({ "error": error, "exit": exit.code() });
            let _ = self.document(&document);
            return exit;
        }
        let _ = writeln!(self.stderr, "{} {}", paint(BAD.bold(), "error:"), in_lines(&error.message));
        for cause in &error.causes {
            let _ = writeln!(self.stderr, "  {} {}", paint(DIM, "because:"), in_lines(cause));
        }
        for hint in &error.hints {
            let _ = writeln!(self.stderr, "{} {}", paint(STRONG, "hint:"), in_lines(hint));
        }
        exit
    }
}

fn write_error(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Error::new(Kind::ClosedPipe, "the reader of the output went away");
    }
    Error::new(Kind::Failed, "failed to write the output").cause(error)
}
