//! Which daemon a command speaks to: the one of `--home` or `PATCHCTL_HOME`, else the machine's, else
//! the user's; and whether one that is missing is started.

use super::{Connection, Launch};
use crate::error::{Error, Kind, Result};
use crate::output::Output;
use patchctl_protocol::location::{HOME_VARIABLE, Location, Scope};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where to look for the daemon.
pub struct Places {
    home: Option<PathBuf>,
    uid: u32,
}

impl Places {
    /// Takes the folder of `--home`, made absolute.
    ///
    /// # Errors
    /// That there is no current folder to resolve it against.
    pub fn new(home: Option<&Path>) -> Result<Self> {
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(|error| Error::file("find the folder", path, &error))
        };
        let home = home.map(absolute).transpose()?;
        Ok(Self { home, uid: rustix::process::getuid().as_raw() })
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        match (&self.home, name) {
            (Some(home), HOME_VARIABLE) => Some(home.clone().into()),
            _ => std::env::var_os(name),
        }
    }

    /// The daemon that is started where none answers.
    #[must_use]
    pub fn own(&self) -> Location {
        Location::of_process(self.uid, &|name| self.variable(name))
    }

    /// A connection to the first daemon that answers, and its place.
    ///
    /// # Errors
    /// That a daemon is there and can't be spoken to.
    pub fn running(&self) -> Result<Option<(Connection, Location)>> {
        for location in Location::candidates(self.uid, &|name| self.variable(name)) {
            if let Some(connection) = Connection::open(&location.socket(), self.uid)? {
                return Ok(Some((connection, location)));
            }
        }
        Ok(None)
    }

    /// A connection to a daemon that runs.
    ///
    /// # Errors
    /// That none runs.
    pub fn connect(&self) -> Result<Connection> {
        match self.running()? {
            Some((connection, _)) => Ok(connection),
            None => Err(self.none_runs()),
        }
    }

    /// A connection to a daemon, which is started if none runs.
    ///
    /// # Errors
    /// That it did not start, with the last lines of its log.
    pub fn connect_or_start(&self, output: &mut Output) -> Result<Connection> {
        if let Some((connection, _)) = self.running()? {
            return Ok(connection);
        }
        let location = self.own();
        let connection = Launch::new(&location, self.uid).start(output)?;
        output.talk(format_args!("started patchd ({})", describe(&location)));
        Ok(connection)
    }

    /// Starts the daemon of [`Places::own`].
    ///
    /// # Errors
    /// As [`Places::connect_or_start`].
    pub fn start(&self, output: &mut Output) -> Result<Connection> {
        Launch::new(&self.own(), self.uid).start(output)
    }

    /// The error that says so.
    #[must_use]
    pub fn none_runs(&self) -> Error {
        let socket = self.own().socket();
        Error::new(Kind::Unreachable, format!("no daemon is running at {}", socket.display()))
            .hint("`patchctl daemon start` starts it; `patchctl add` does so by itself")
    }
}

fn describe(location: &Location) -> String {
    match location.scope {
        Scope::User => "the user's daemon".into(),
        Scope::Machine => "the machine's daemon".into(),
        Scope::Home => format!("at {}", location.runtime.parent().unwrap_or(&location.runtime).display()),
    }
}
