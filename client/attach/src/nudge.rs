//! Making a blocked main thread look for a request: its system call ends with EINTR, as by a signal
//! without a handler, and CPython looks before it calls again. Only where CPython itself made the call:
//! other code may not expect EINTR.
//!
//! A main thread that runs gets no request: it would take it up anywhere, also in a function whose globals
//! have no `__import__` (the `__new__` of named tuples), and there CPython 3.14 and 3.15 fail to open the
//! script and say so on standard error.

use crate::frame::blocked_in;
use crate::memory::{Memory, as_words};
use crate::ptrace::{Stop, Tracee};
use crate::refusal::Result;
use crate::runtime::{Code, Runtime};
use std::io;
use std::time::{Duration, Instant};

/// How long the thread may take to stop.
const STOPPING: Duration = Duration::from_millis(100);
const EINTR: i64 = 4;
/// System calls after which CPython looks: read, write, poll, readv, writev, select, pause, nanosleep,
/// connect, accept, sendto, recvfrom, sendmsg, recvmsg, wait4, rt_sigtimedwait, clock_nanosleep,
/// epoll_wait, waitid, pselect6, ppoll, epoll_pwait, accept4.
const NUDGEABLE: [i64; 23] =
    [0, 1, 7, 19, 20, 23, 34, 35, 42, 43, 44, 45, 46, 47, 61, 128, 230, 232, 247, 270, 271, 281, 288];
/// How much of the stack is searched for the callers, in bytes.
const SEARCHED: usize = 2048;

/// Makes a request of a thread and ends its system call, if it is in one and that is safe. Gives what `request` gave (`false`: not safe, nothing was done), and how long the thread was
/// held. To be called in a thread that ends soon, see [`crate::ptrace`].
///
/// The request comes last: were it left pending in a blocked thread, the next signal would be the first
/// to meet it, and an exception that its handler raises would end in the script instead of the program.
///
/// # Errors
/// That the thread is gone or may not be traced.
pub fn nudge(
    thread: i32,
    runtime: &Runtime,
    memory: Memory,
    request: &dyn Fn() -> Result<bool>,
) -> io::Result<(Result<bool>, Duration)> {
    crate::priority::raise();
    let mut tracee = Tracee::seize(thread)?;
    let begun = Instant::now();
    if tracee.stop(STOPPING)? != Some(Stop::Interrupted) {
        return Ok((Ok(false), begun.elapsed()));
    }
    let mut registers = tracee.registers()?;
    let is_safe = blocked_in(&registers).is_some_and(|number| {
        NUDGEABLE.contains(&number)
            && runtime.code_at(registers.rip) == Code::CLibrary
            && is_called_by_python(runtime, memory, registers.rsp)
    });
    let mut made = Ok(false);
    if is_safe {
        registers.rax = (-EINTR).cast_unsigned();
        registers.orig_rax = u64::MAX;
        tracee.set_registers(&registers)?;
        made = request();
    }
    tracee.detach()?;
    Ok((made, begun.elapsed()))
}

/// Whether the innermost callers are all CPython's own.
fn is_called_by_python(runtime: &Runtime, memory: Memory, stack_pointer: u64) -> bool {
    let mut room = [0; SEARCHED];
    let Ok(read) = memory.read_some(stack_pointer, &mut room) else { return false };
    let foreign = |word: &u64| match runtime.code_at(*word) {
        Code::Other => follows_call(memory, *word),
        Code::Python | Code::StandardExtension => follows_foreign_call(memory, *word),
        _ => false,
    };
    let words = as_words(&room[..read]);
    words.iter().any(|word| runtime.code_at(*word) == Code::Python) && !words.iter().any(foreign)
}

/// Whether an address is where libffi's `call r11` returns to (`src/x86/unix64.S`): a call by way of
/// ctypes, where libffi is part of another module.
fn follows_foreign_call(memory: Memory, address: u64) -> bool {
    memory.array::<3>(address.wrapping_sub(3)).is_ok_and(|code| code == [0x41, 0xff, 0xd3])
}

/// Whether an address is where a call returns to: `e8` with 4 bytes, or `ff /2` with 0 to 5 more.
fn follows_call(memory: Memory, address: u64) -> bool {
    let Ok(code) = memory.array::<7>(address.wrapping_sub(7)) else { return false };
    let is_indirect = |back: usize| code[7 - back] == 0xff && code[8 - back] & 0x38 == 0x10;
    code[2] == 0xe8 || [2, 3, 4, 6, 7].into_iter().any(is_indirect)
}
