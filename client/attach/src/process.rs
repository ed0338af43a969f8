//! What the operating system knows of a process before anything is done to it, and the refusals that
//! follow from that alone. What runs inside is found out by [`crate::runtime`].

use crate::refusal::{Refusal, Result};
use std::fs;
use std::io;
use std::path::PathBuf;

/// A process; `pid` and `started` together are its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    /// Clock ticks since boot, field 22 of `/proc/PID/stat`.
    pub started: u64,
    /// Effective user and group.
    pub uid: u32,
    pub gid: u32,
    pub command: Vec<String>,
    state: char,
    tracer: i32,
    threads: u32,
    /// 0: none, 1: strict, 2: filter.
    seccomp: u32,
    /// Its pid in its own pid namespace.
    pub inner_pid: i32,
    /// Nested pid namespaces, as in a container.
    namespaces: usize,
    shadow_stack: bool,
}

impl Process {
    /// Looks at the process.
    ///
    /// # Errors
    /// That it is not there.
    pub fn of(pid: i32) -> Result<Self> {
        let gone = |_: io::Error| Refusal::NoSuchProcess;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(gone)?;
        let stat = fs::read(format!("/proc/{pid}/stat")).map_err(gone)?;
        let stat = String::from_utf8_lossy(&stat);
        let (_, fields) = stat.rsplit_once(')').ok_or(Refusal::NoSuchProcess)?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next().and_then(|word| word.chars().next()).unwrap_or('X');
        let line = |name: &str| {
            let found = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            found.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        let number = |name: &str, at: usize| line(name).get(at).and_then(|word| word.parse::<u32>().ok());
        let same = number("Tgid", 0).and_then(|tgid| i32::try_from(tgid).ok()) == Some(pid);
        if !same {
            return Err(Refusal::NoSuchProcess);
        }
        Ok(Self {
            pid,
            started: fields.nth(18).and_then(|word| word.parse().ok()).unwrap_or(0),
            uid: number("Uid", 1).unwrap_or(0),
            gid: number("Gid", 1).unwrap_or(0),
            command: command(pid),
            state,
            tracer: number("TracerPid", 0).and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0),
            threads: number("Threads", 0).unwrap_or(1),
            seccomp: number("Seccomp", 0).unwrap_or(0),
            inner_pid: line("NSpid").last().and_then(|word| word.parse().ok()).unwrap_or(pid),
            namespaces: line("NSpid").len(),
            shadow_stack: line("x86_Thread_features").iter().any(|word| word == "shstk"),
        })
    }

    /// Refuses what can't be attached to as it is now.
    ///
    /// # Errors
    /// The reason.
    pub fn check(&self, force: bool) -> Result<()> {
        match self.state {
            'Z' => return Err(Refusal::Zombie),
            'X' => return Err(Refusal::NoSuchProcess),
            'T' => return Err(Refusal::Stopped { pid: self.pid }),
            _ => {}
        }
        if self.tracer != 0 {
            let name = fs::read_to_string(format!("/proc/{}/comm", self.tracer)).unwrap_or_default();
            return Err(Refusal::Traced { tracer: self.tracer, name: name.trim_end().to_owned() });
        }
        if self.shadow_stack {
            return Err(Refusal::ShadowStack);
        }
        match self.seccomp {
            1 => return Err(Refusal::SeccompStrict),
            // Filters of containers answer EPERM; a program's own may kill.
            2 if self.threads == 1 && self.namespaces <= 1 && !force => return Err(Refusal::SeccompFilter),
            _ => {}
        }
        if self.opted_out() { Err(Refusal::SwitchedOff) } else { Ok(()) }
    }

    /// Whether it was started with the off-switch.
    fn opted_out(&self) -> bool {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        let value =
            environment.split(|byte| *byte == 0).find_map(|one| one.strip_prefix(b"PATCHCTL_DISABLE="));
        value.is_some_and(|value| !matches!(value, b"" | b"0"))
    }

    /// Whether it is still the same process, and no other that got its pid.
    #[must_use]
    pub fn is_there(&self) -> bool {
        Self::of(self.pid).is_ok_and(|now| now.started == self.started && !matches!(now.state, 'Z' | 'X'))
    }

    /// Whether its name or its libraries look like CPython: cheap, for lists.
    #[must_use]
    pub fn looks_like_python(&self) -> bool {
        let program = fs::read_link(format!("/proc/{}/exe", self.pid)).unwrap_or_default();
        let named = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with("python"));
        if named(&program.to_string_lossy()) {
            return true;
        }
        let maps = fs::read(format!("/proc/{}/maps", self.pid)).unwrap_or_default();
        maps.windows(10).any(|window| window == b"/libpython")
    }

    /// Why the kernel refuses access to it, as far as that can be told.
    #[must_use]
    pub fn denial(&self) -> Refusal {
        // SAFETY: reads a number of this process, can't fail.
        let own = unsafe { libc::geteuid() };
        if own != 0 && own != self.uid {
            return Refusal::OtherUser { owner: self.uid, own };
        }
        let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
        match scope.trim().parse() {
            Ok(scope @ 1..) => Refusal::Yama { scope },
            _ => Refusal::Undumpable,
        }
    }

    /// Makes a refusal of a failed look into it: what is missing, or a permission.
    pub fn inaccessible(&self, doing: &'static str) -> impl Fn(io::Error) -> Refusal {
        move |source| match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => match Self::of(self.pid) {
                Ok(now) if now.tracer != 0 => now.check(true).err().unwrap_or_else(|| now.denial()),
                Ok(now) if now.state == 'Z' => Refusal::Zombie,
                _ => self.denial(),
            },
            _ => Refusal::system(doing)(source),
        }
    }

    /// Its threads, the main one first.
    ///
    /// # Errors
    /// That it is gone.
    pub fn thread_ids(&self) -> Result<Vec<i32>> {
        let entries = fs::read_dir(format!("/proc/{}/task", self.pid)).map_err(|_| Refusal::NoSuchProcess)?;
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut ids: Vec<i32> = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
        ids.sort_by_key(|id| (*id != self.pid, *id));
        Ok(ids)
    }

    /// Its root folder as seen from here.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        format!("/proc/{}/root", self.pid).into()
    }
}

/// Ids of all processes that this one may see.
#[must_use]
pub fn all() -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut ids: Vec<i32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    ids.sort_unstable();
    ids
}

fn command(pid: i32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    if text.is_empty() {
        return Vec::new();
    }
    text.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::Process;
    use crate::refusal::Refusal;

    #[test]
    fn knows_this_process() {
        let own = Process::of(i32::try_from(std::process::id()).expect("fits")).expect("is there");
        assert!(own.is_there() && own.started > 0 && own.check(true).is_ok());
        assert_eq!(own.thread_ids().expect("has threads")[0], own.pid);
        assert!(!own.looks_like_python());
    }

    #[test]
    fn a_thread_and_a_pid_that_is_free_are_no_processes() {
        assert!(matches!(Process::of(i32::MAX), Err(Refusal::NoSuchProcess)));
        let own = Process::of(i32::try_from(std::process::id()).expect("fits")).expect("is there");
        let threads = own.thread_ids().expect("has threads");
        for thread in threads.into_iter().filter(|thread| *thread != own.pid) {
            assert!(matches!(Process::of(thread), Err(Refusal::NoSuchProcess)));
        }
    }
}
