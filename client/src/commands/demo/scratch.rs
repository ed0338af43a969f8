//! The scratch folder and every process started in it: all of them are gone at the end, also after a
//! failure, Ctrl-C or a termination signal.

use crate::error::{Error, Kind, Result};
use crate::exit::Exit;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The folder, and what runs in it.
pub struct Scratch {
    inner: Arc<Mutex<Inner>>,
    folder: PathBuf,
    program: PathBuf,
}

struct Inner {
    folder: PathBuf,
    program: PathBuf,
    keep: bool,
    clean: bool,
    /// Process groups, each led by a child that was started here and not waited for yet.
    groups: Vec<Pid>,
}

impl Scratch {
    /// Makes the folder, and sees to it that a signal cleans up.
    ///
    /// # Errors
    /// That the folder can't be made, or the program does not know its own file.
    pub fn new(keep: bool) -> Result<Self> {
        let failed = |error| Error::new(Kind::Failed, "failed to make a scratch folder").cause(error);
        let folder = tempfile::Builder::new().prefix("patchctl-demo-").tempdir().map_err(failed)?.keep();
        let folder = folder.canonicalize().map_err(failed)?;
        let program = std::env::current_exe().map_err(failed)?;
        let inner = Inner {
            folder: folder.clone(),
            program: program.clone(),
            keep,
            clean: false,
            groups: Vec::new(),
        };
        let inner = Arc::new(Mutex::new(inner));
        let shared = Arc::clone(&inner);
        // The lock is held until the process is gone, so that nothing new is started meanwhile.
        let handler = move || {
            let mut inner = lock(&shared);
            inner.clean_up();
            std::process::exit(Exit::Interrupted.code().into());
        };
        ctrlc::set_handler(handler)
            .map_err(|error| Error::new(Kind::Failed, "failed to handle signals").cause(error))?;
        Ok(Self { inner, folder, program })
    }

    /// The folder's path.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `PATCHCTL_HOME` of the demo's daemon.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// A command that runs in the folder and knows the demo's daemon only.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env("PATCHCTL_HOME", self.home());
        command.env_remove("PATCHCTL_DISABLE").env_remove("PYTHONPATH").env_remove("PYTHONHOME");
        command
    }

    /// This program.
    #[must_use]
    pub fn patchctl(&self) -> Command {
        self.command(&self.program)
    }

    /// Starts a command in a process group of its own.
    ///
    /// # Errors
    /// That it can't be started.
    pub fn start(&self, command: &mut Command) -> Result<Child> {
        let mut inner = lock(&self.inner);
        let program = PathBuf::from(command.get_program());
        let child =
            command.process_group(0).spawn().map_err(|error| Error::file("start", &program, &error))?;
        inner.groups.extend(group_of(&child));
        Ok(child)
    }

    /// To be told of every child that was waited for: its number may be another process's from then on.
    pub fn ended(&self, child: &Child) {
        let group = group_of(child);
        lock(&self.inner).groups.retain(|known| Some(*known) != group);
    }

    /// Ends all processes and removes the folder; more than once does no more.
    pub fn clean_up(&self) {
        lock(&self.inner).clean_up();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.clean_up();
    }
}

impl Inner {
    /// What can't be ended or removed is left: there is nobody to tell who could do better.
    fn clean_up(&mut self) {
        if std::mem::replace(&mut self.clean, true) {
            return;
        }
        for group in self.groups.drain(..) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        if self.folder.join("home").exists() {
            let mut stop = Command::new(&self.program);
            stop.args(["daemon", "stop"]).env("PATCHCTL_HOME", self.folder.join("home"));
            stop.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
            let _ = stop.status();
        }
        if !self.keep {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn group_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}
