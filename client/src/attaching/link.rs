//! From a process without the hook to one that has reported to the daemon.

use super::judgement::judge;
use super::outcome::{Outcome, Refused};
use crate::daemon::Places;
use crate::error::{Error, Kind, Result};
use crate::hook;
use crate::output::Output;
use patchctl_attach::{Attached, Options, Process, Refusal};
use patchctl_protocol::client::{ProcessInfo, Reply, Request};
use patchctl_protocol::location::{Location, Scope};
use std::collections::HashMap;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Time between two looks at the daemon's list.
const LOOK: Duration = Duration::from_micros(500);

/// Attaches to processes, for one daemon.
pub struct Linker<'a> {
    places: &'a Places,
    location: Location,
    extension: PathBuf,
    home: Option<String>,
    timeout: Duration,
    force: bool,
    /// Revision that a new process is to reach.
    revision: u64,
    linked: HashMap<(u32, u64), ProcessInfo>,
}

impl<'a> Linker<'a> {
    /// Finds or starts the daemon, and asks it which processes it has.
    ///
    /// # Errors
    /// That it can't be reached, or the extension is not there.
    pub fn new(places: &'a Places, timeout: Duration, force: bool, output: &mut Output) -> Result<Self> {
        let extension = hook::extension()?;
        let (mut connection, location) = match places.running()? {
            Some(found) => found,
            None => (places.connect_or_start(output)?, places.own()),
        };
        let home = match location.scope {
            Scope::Home => location.runtime.parent().map(|folder| folder.display().to_string()),
            Scope::User | Scope::Machine => None,
        };
        let revision = match connection.ask(&Request::Status)? {
            Reply::Status(status) => status.revision,
            _ => return Err(Error::unexpected_reply()),
        };
        let mut made =
            Self { places, location, extension, home, timeout, force, revision, linked: HashMap::new() };
        made.look()?;
        Ok(made)
    }

    fn look(&mut self) -> Result<()> {
        let Reply::Processes { processes } = self.places.connect()?.ask(&Request::Processes)? else {
            return Err(Error::unexpected_reply());
        };
        self.linked = processes.into_iter().map(|one| ((one.pid, one.started), one)).collect();
        Ok(())
    }

    /// Whether a process had a link when the daemon was last asked.
    #[must_use]
    pub fn is_linked(&self, process: &Process) -> bool {
        self.info(process).is_some()
    }

    fn info(&self, process: &Process) -> Option<&ProcessInfo> {
        self.linked.get(&(u32::try_from(process.pid).ok()?, process.started))
    }

    /// Attaches to one process, and waits until it has reported to the daemon.
    ///
    /// # Errors
    /// That the daemon went away.
    pub fn link(&mut self, process: &Process) -> Result<Outcome> {
        if self.is_linked(process) {
            return Ok(Outcome::Linked);
        }
        if let Err(refused) = judge(process, &self.location, self.force) {
            return Ok(Outcome::Refused(refused));
        }
        let begun = Instant::now();
        let options = Options {
            extension: &self.extension,
            home: self.home.as_deref(),
            timeout: self.timeout,
            force: self.force,
        };
        match patchctl_attach::attach(process, &options) {
            Ok(attached) => self.await_link(process, attached, begun),
            Err(refusal) => Ok(Outcome::refused(&refusal)),
        }
    }

    fn await_link(&mut self, process: &Process, attached: Attached, begun: Instant) -> Result<Outcome> {
        let deadline = begun + self.timeout.max(Duration::from_secs(1));
        loop {
            self.look()?;
            let reached = self.info(process).is_some_and(|info| info.revision >= self.revision);
            if reached || (self.is_linked(process) && Instant::now() >= deadline) {
                return Ok(Outcome::attached(attached, begun.elapsed()));
            }
            if !process.is_there() {
                return Ok(Outcome::refused(&Refusal::NoSuchProcess));
            }
            if Instant::now() >= deadline {
                return Ok(self.no_link());
            }
            sleep(LOOK);
        }
    }

    fn no_link(&self) -> Outcome {
        let seconds = self.timeout.as_secs_f32();
        Outcome::Refused(Refused {
            reason: "no-link",
            message: format!("the hook is in it, but it has not reached the daemon after {seconds} s"),
            hints: vec![
                "it goes on trying; `patchctl ps` shows when it is linked".into(),
                format!("the daemon's socket is {}", self.location.socket().display()),
            ],
            kind: Kind::Failed,
        })
    }
}
