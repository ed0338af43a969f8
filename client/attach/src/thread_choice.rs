//! Which thread to borrow, and when: one that holds no lock of the C library, so that starting a thread
//! from there can't deadlock. First a look that stops nothing, then the verdict on a stopped one.

use crate::frame::{blocked_in, is_signal_frame};
use crate::memory::{Memory, as_words};
use crate::process::Process;
use crate::ptrace::Registers;
use crate::refusal::Result;
use crate::runtime::{Code, Runtime};
use std::fs;

/// How much of a stack is searched for signal handlers, in bytes.
const SEARCHED: usize = 128 << 10;
const FUTEX: i64 = 202;
/// epoll_wait, epoll_pwait, epoll_pwait2, rt_sigtimedwait.
const ENDED_BY_STOPS: [i64; 4] = [232, 281, 441, 128];
/// `FUTEX_WAIT_BITSET`: condition variables, semaphores and joins. The C library's own locks use
/// `FUTEX_WAIT`.
const FUTEX_WAIT_BITSET: u64 = 9;
/// `FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME`.
const FUTEX_FLAGS: u64 = 128 | 256;

/// System calls in which threads wait without holding locks: read, write, poll, pread64, readv, writev,
/// select, pause, nanosleep, connect, accept, sendto, recvfrom, sendmsg, recvmsg, wait4, msgrcv, fcntl,
/// flock, rt_sigtimedwait, rt_sigsuspend, clock_nanosleep, epoll_wait, waitid, pselect6, ppoll,
/// epoll_pwait, accept4, recvmmsg, epoll_pwait2.
const WAITING: [i64; 30] = [
    0, 1, 7, 17, 19, 20, 23, 34, 35, 42, 43, 44, 45, 46, 47, 61, 70, 72, 73, 128, 130, 230, 232, 247, 270,
    271, 281, 288, 299, 441,
];

/// What a thread does, as `/proc/PID/task/TID/syscall` tells without stopping it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Activity {
    /// Waits in a system call that is restarted after a stop.
    Waits,
    /// Waits in one that then ends with EINTR.
    WaitsForEvents,
    Runs,
    Elsewhere,
}

/// Threads worth stopping, best first.
///
/// # Errors
/// That the process is gone.
pub fn candidates(process: &Process, runtime: &Runtime) -> Result<Vec<i32>> {
    let mut found = Vec::new();
    for thread in process.thread_ids()? {
        let activity = activity(process.pid, thread, runtime);
        if activity != Activity::Elsewhere {
            found.push((activity, thread != process.pid, thread));
        }
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, _, thread)| thread).collect())
}

/// Whether the main thread waits in a system call, as far as can be told without stopping it.
#[must_use]
pub fn main_waits(process: &Process, runtime: &Runtime) -> bool {
    activity(process.pid, process.pid, runtime) != Activity::Runs
}

fn activity(pid: i32, thread: i32, runtime: &Runtime) -> Activity {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{thread}/syscall")).unwrap_or_default();
    let text = text.trim_end();
    if text == "running" {
        return Activity::Runs;
    }
    let words: Vec<&str> = text.split(' ').collect();
    let hexadecimal = |at: usize| u64::from_str_radix(words.get(at)?.strip_prefix("0x")?, 16).ok();
    let (Some(number), Some(operation), Some(pc)) =
        (words.first().and_then(|word| word.parse().ok()), hexadecimal(2), hexadecimal(8))
    else {
        return Activity::Elsewhere;
    };
    match number {
        _ if runtime.code_at(pc) != Code::CLibrary => Activity::Elsewhere,
        number if ENDED_BY_STOPS.contains(&number) => Activity::WaitsForEvents,
        number if is_waiting(number, operation) => Activity::Waits,
        _ => Activity::Elsewhere,
    }
}

fn is_waiting(number: i64, second_argument: u64) -> bool {
    match number {
        FUTEX => second_argument & !FUTEX_FLAGS == FUTEX_WAIT_BITSET,
        number => WAITING.contains(&number),
    }
}

/// Judges a stopped thread.
///
/// # Errors
/// Why it may not be borrowed now.
pub fn judge(
    runtime: &Runtime,
    memory: Memory,
    registers: &Registers,
    restorer: u64,
) -> std::result::Result<(), &'static str> {
    let code = runtime.code_at(registers.rip);
    match blocked_in(registers) {
        Some(number) if code != Code::CLibrary => {
            return Err(if number == FUTEX { "waits for a lock" } else { "in an unknown system call" });
        }
        Some(number) if !is_waiting(number, registers.rsi) => return Err("in an unknown system call"),
        Some(_) => {}
        None => match code {
            Code::Python | Code::StandardExtension | Code::Other => {}
            Code::CLibrary => return Err("inside the C library"),
            Code::Guarded => return Err("inside the loader or malloc"),
            Code::Unknown => return Err("in code of no file"),
        },
    }
    let mut room = vec![0; SEARCHED];
    let read = memory.read_some(registers.rsp, &mut room).map_err(|_| "its stack can't be read")?;
    let stack = as_words(&room[..read]);
    if runtime.has_foreign_malloc() && stack.iter().any(|word| runtime.is_foreign_malloc(*word)) {
        return Err("inside malloc");
    }
    if (0..stack.len()).any(|at| is_signal_frame(&stack, registers.rsp, at, restorer)) {
        return Err("inside a signal handler");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{FUTEX, is_waiting};

    #[test]
    fn only_condition_variables_may_be_waited_for() {
        assert!(is_waiting(FUTEX, 9 | 128 | 256));
        assert!(!is_waiting(FUTEX, 128), "a mutex");
        assert!(is_waiting(230, 0));
        assert!(!is_waiting(56, 0), "clone");
    }
}
