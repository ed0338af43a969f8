//! Which processes are meant: by pid, all, or by a glob over their command lines.

use crate::error::{Error, Kind, Result};
use globset::{GlobBuilder, GlobMatcher};
use patchctl_attach::Process;

/// What the command line asks for.
pub enum Selection<'a> {
    Pids(&'a [i32]),
    /// All Python processes of this user (of all users, for root), or those that the glob matches.
    All(Option<GlobMatcher>),
}

impl<'a> Selection<'a> {
    /// From the arguments.
    ///
    /// # Errors
    /// That the glob is malformed.
    pub fn new(pids: &'a [i32], glob: Option<&str>) -> Result<Self> {
        if !pids.is_empty() {
            return Ok(Self::Pids(pids));
        }
        let compile = |text: &str| {
            let compiled = GlobBuilder::new(text).literal_separator(false).build();
            let malformed = |error: globset::Error| {
                Error::new(Kind::Usage, format!("`{text}` is no glob")).cause(error.kind())
            };
            compiled.map(|glob| glob.compile_matcher()).map_err(malformed)
        };
        Ok(Self::All(glob.map(compile).transpose()?))
    }

    /// The pids, except this process's own.
    #[must_use]
    pub fn pids(&self) -> Vec<i32> {
        let glob = match self {
            Self::Pids(pids) => return pids.to_vec(),
            Self::All(glob) => glob,
        };
        let wanted = |process: &Process| {
            is_ours(process)
                && glob.as_ref().is_none_or(|glob| matches(glob, &process.command))
                && process.looks_like_python()
        };
        python_processes(&wanted).into_iter().map(|process| process.pid).collect()
    }
}

/// All processes that a condition accepts, without this one.
#[must_use]
pub fn python_processes(wanted: &dyn Fn(&Process) -> bool) -> Vec<Process> {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let others = patchctl_attach::all().into_iter().filter(|pid| *pid != own);
    others.filter_map(|pid| Process::of(pid).ok()).filter(|process| wanted(process)).collect()
}

/// Whether a process is of this user; all are root's.
#[must_use]
pub fn is_ours(process: &Process) -> bool {
    let own = own_user();
    own == 0 || own == process.uid
}

/// The user that this program runs as.
#[must_use]
pub fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// A glob fits the command line from any of its words on, folders left out: `gunicorn*` fits
/// `/usr/bin/python3 /srv/bin/gunicorn app`.
fn matches(glob: &GlobMatcher, command: &[String]) -> bool {
    (0..command.len()).any(|from| {
        let rest = command[from..].join(" ");
        let program = command[from].rsplit('/').next().unwrap_or_default();
        let short = std::iter::once(program).chain(command[from + 1..].iter().map(String::as_str));
        glob.is_match(&rest) || glob.is_match(short.collect::<Vec<_>>().join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::{Selection, matches};

    fn fits(glob: &str, command: &[&str]) -> bool {
        let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        let Ok(Selection::All(Some(glob))) = Selection::new(&[], Some(glob)) else {
            panic!("{glob} is no glob")
        };
        matches(&glob, &command)
    }

    #[test]
    fn globs_fit_from_any_word_on() {
        let command = ["/usr/bin/python3", "/srv/bin/gunicorn", "app:app", "-w", "4"];
        for glob in ["gunicorn*", "python3 *", "/srv/bin/gunicorn app:app -w 4", "*app:app*", "app:app -w 4"]
        {
            assert!(fits(glob, &command), "{glob}");
        }
        for glob in ["gunicorn", "unicorn*", "python"] {
            assert!(!fits(glob, &command), "{glob}");
        }
    }

    #[test]
    fn a_malformed_glob_is_refused() {
        assert!(Selection::new(&[], Some("[")).is_err());
    }
}
