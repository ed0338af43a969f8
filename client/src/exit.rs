//! The exit codes, documented in one place. What leads to which stands in [`crate::error`] and in the commands.

use std::process::ExitCode;

/// What `patchctl` ends with. The numbers are stable: scripts may match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Ok,
    Failed,
    Usage,
    Refused,
    Unreachable,
    NotFound,
    Malformed,
    Denied,
    Interrupted,
}

impl Exit {
    /// All codes, in order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::Refused,
        Self::Unreachable,
        Self::NotFound,
        Self::Malformed,
        Self::Denied,
        Self::Interrupted,
    ];

    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Unreachable => 4,
            Self::NotFound => 5,
            Self::Malformed => 6,
            Self::Denied => 7,
            Self::Interrupted => 130,
        }
    }

    /// One line for the help.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done; also when the reader of a pipe went away",
            Self::Failed => "failed somewhere: a process failed or was skipped, a check found something",
            Self::Usage => "the command line is wrong",
            Self::Refused => "refused: no process that has the module took the patch, or it conflicts",
            Self::Unreachable => "the daemon can't be reached or started",
            Self::NotFound => "no such patch, process, file or interpreter",
            Self::Malformed => "a patch file is malformed; the message names file, line and column",
            Self::Denied => "not allowed for this user",
            Self::Interrupted => "interrupted by a signal",
        }
    }

    /// The table of all codes, for help and manual page.
    #[must_use]
    pub fn table() -> String {
        let mut text = String::from("Exit codes:\n");
        for exit in Self::ALL {
            text.push_str(&format!("  {:>3}  {}\n", exit.code(), exit.meaning()));
        }
        text
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn numbers_are_distinct_and_documented() {
        let table = Exit::table();
        let mut seen = Vec::new();
        for exit in Exit::ALL {
            assert!(!seen.contains(&exit.code()), "{} twice", exit.code());
            seen.push(exit.code());
            assert!(table.contains(&format!("{:>3}  {}", exit.code(), exit.meaning())));
        }
    }
}
