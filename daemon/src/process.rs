//! What the operating system knows of a process: start time, user and command line, from `/proc`.

use patchctl_protocol::socket::Peer;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// A process as the operating system sees it. Its identity is `pid` and `started` together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    /// Clock ticks since boot, field 22 of `/proc/PID/stat`; 0 if it is gone.
    pub started: u64,
    pub uid: u32,
    pub command: Vec<String>,
}

impl Process {
    /// Looks up the process at the other end of a connection.
    #[must_use]
    pub fn of_peer(peer: Peer) -> Self {
        Self {
            pid: peer.pid,
            started: started(peer.pid).unwrap_or(0),
            uid: peer.uid,
            command: command(peer.pid),
        }
    }

    /// The command line as one text, at most 1,000 characters of it.
    #[must_use]
    pub fn command_line(&self) -> String {
        self.command.join(" ").chars().take(1000).collect()
    }
}

/// Start time of a process in clock ticks since boot. The command's name (field 2) may hold blanks and
/// parentheses, so fields are counted from its last closing one.
#[must_use]
pub fn started(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

fn command(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    if text.is_empty() {
        return Vec::new();
    }
    text.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// Name of a user by `/etc/passwd`, or the number where it has none there.
#[must_use]
pub fn user_name(uid: u32) -> String {
    let named = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    };
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    text.lines().find_map(named).unwrap_or_else(|| uid.to_string())
}

/// Resident memory of this process in bytes.
#[must_use]
pub fn resident_memory() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Seconds since the epoch.
#[must_use]
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::Process;
    use patchctl_protocol::socket::Peer;

    #[test]
    fn knows_this_process() {
        let process = Process::of_peer(Peer { pid: std::process::id(), uid: 7, gid: 7 });
        assert!(process.started > 0);
        assert!(!process.command_line().is_empty());
        assert!(super::resident_memory() > 100_000);
    }

    #[test]
    fn a_process_that_is_gone_has_no_start() {
        assert_eq!(super::started(u32::MAX), None);
    }
}
