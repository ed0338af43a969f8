//! Starting the daemon in the background, and waiting until it answers.

use super::{Connection, log_path, tail};
use crate::error::{Error, Kind, Result};
use crate::output::Output;
use patchctl_protocol::location::{Location, Scope};
use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long the daemon may take to answer for the first time.
const DEADLINE: Duration = Duration::from_secs(15);

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(2);

/// Time until another start, where a daemon gave way to one that does not answer yet.
const AGAIN: Duration = Duration::from_millis(50);

/// What `patchd` ends with where another one serves the same place.
const GAVE_WAY: i32 = 3;

/// A log larger than this is put aside before the next start, in bytes.
const LARGE_LOG: u64 = 16 << 20;

/// A daemon to be started.
pub struct Launch<'a> {
    location: &'a Location,
    uid: u32,
}

impl<'a> Launch<'a> {
    #[must_use]
    pub fn new(location: &'a Location, uid: u32) -> Self {
        Self { location, uid }
    }

    /// Starts it in a session of its own and connects to it.
    ///
    /// # Errors
    /// That it could not be started, ended, or did not answer in time.
    pub fn start(&self, output: &mut Output) -> Result<Connection> {
        let program = patchd_program()?;
        let log = self.open_log()?;
        let mut child = self.spawn(&program, &log)?;
        let begun = Instant::now();
        loop {
            if let Some(connection) = Connection::open(&self.location.socket(), self.uid)? {
                return Ok(connection);
            }
            match child.try_wait().ok().flatten() {
                // The other one answers soon; or it is going away, and there is room for one again.
                Some(status) if status.code() == Some(GAVE_WAY) => {
                    thread::sleep(AGAIN);
                    child = self.spawn(&program, &log)?;
                }
                Some(status) => return Err(self.failed(&format!("patchd ended at once ({})", told(status)))),
                None => {}
            }
            if begun.elapsed() > DEADLINE {
                return Err(self.failed(&format!("patchd does not answer after {} s", DEADLINE.as_secs())));
            }
            if begun.elapsed() > Duration::from_secs(1) {
                output.progress(&format!("waiting for patchd: {} s", begun.elapsed().as_secs()));
            }
            thread::sleep(INTERVAL);
        }
    }

    /// The options that tell the daemon its place.
    #[must_use]
    pub fn arguments(location: &Location) -> Vec<OsString> {
        match location.scope {
            Scope::User => vec!["--user".into()],
            Scope::Machine => vec!["--machine".into()],
            Scope::Home => {
                let home = location.runtime.parent().unwrap_or(&location.runtime);
                vec!["--home".into(), home.into()]
            }
        }
    }

    fn spawn(&self, program: &Path, log: &File) -> Result<Child> {
        let again = |error| Error::file("open the log", &log_path(self.location), &error);
        let mut command = Command::new(program);
        command.args(Self::arguments(self.location)).current_dir("/").stdin(Stdio::null());
        command.stdout(log.try_clone().map_err(again)?).stderr(log.try_clone().map_err(again)?);
        // SAFETY: setsid is async-signal-safe and touches no memory of this process.
        unsafe {
            command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
        }
        command.spawn().map_err(|error| Error::file("start", program, &error))
    }

    fn open_log(&self) -> Result<File> {
        let path = log_path(self.location);
        let folder = &self.location.state;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| Error::file("make the folder", folder, &error))?;
        if path.metadata().is_ok_and(|found| found.len() > LARGE_LOG) {
            let aside = path.with_extension("log.1");
            std::fs::rename(&path, &aside).map_err(|error| Error::file("put aside", &path, &error))?;
        }
        let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        opened.map_err(|error| Error::file("open the log", &path, &error))
    }

    fn failed(&self, message: &str) -> Error {
        let path = log_path(self.location);
        let mut error = Error::new(Kind::Unreachable, message);
        for line in tail(&path, 5).unwrap_or_default().lines() {
            error = error.cause(line);
        }
        error.hint(format!("its log is {}", path.display()))
    }
}

fn told(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit status {code}"))
}

/// `patchd`: beside this program, else on `PATH`.
///
/// # Errors
/// That it is in neither place.
pub fn patchd_program() -> Result<PathBuf> {
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name("patchd"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("patchd"));
    beside.into_iter().chain(on_path).find(|candidate| candidate.is_file()).ok_or_else(|| {
        Error::new(Kind::Unreachable, "patchd is neither beside patchctl nor on PATH")
            .hint("install the whole package: `pip install patchctl`")
    })
}
