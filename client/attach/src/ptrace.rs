//! One thread of another process under `ptrace(2)`: seized, stopped, its registers. Why a thread is
//! stopped, and what is done with it, stands elsewhere.
//!
//! A tracee belongs to the thread that seized it. That thread must end soon afterwards: the kernel then
//! lets go of whatever it still holds, which is the last safety net for a tracee that never stopped.

use crate::refusal::{Refusal, Result};
use std::io;
use std::time::{Duration, Instant};

/// `NT_X86_XSTATE` of `elf.h`: everything beside the general registers, in the format of `XSAVE`.
const XSTATE: usize = 0x202;
const GET_SIGNAL_MASK: libc::c_uint = 0x420a;
const SET_SIGNAL_MASK: libc::c_uint = 0x420b;
/// Larger than any `XSAVE` area so far (AMX: 11 kB).
const LARGEST_XSTATE: usize = 32 << 10;

pub type Registers = libc::user_regs_struct;

/// A seized thread.
#[derive(Debug)]
pub struct Tracee {
    thread: i32,
    is_stopped: bool,
}

/// What a thread stopped for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// As asked by [`Tracee::interrupt`]: inside the kernel's signal path, where registers are taken up
    /// as they are, and an interrupted system call is restarted.
    Interrupted,
    /// At the entry or the exit of a system call.
    SystemCall,
    /// A signal is about to be delivered; it must be passed on.
    Signal(i32),
    /// Stopped by job control.
    Group,
    Ended,
}

impl Tracee {
    /// Seizes a thread, without stopping it.
    ///
    /// # Errors
    /// That it is gone, may not be traced, or is traced already.
    pub fn seize(thread: i32) -> io::Result<Self> {
        let options = usize::try_from(libc::PTRACE_O_TRACESYSGOOD).unwrap_or(0);
        request(libc::PTRACE_SEIZE, thread, 0, options)?;
        Ok(Self { thread, is_stopped: false })
    }

    /// Asks it to stop.
    ///
    /// # Errors
    /// That it is gone.
    fn interrupt(&self) -> io::Result<()> {
        request(libc::PTRACE_INTERRUPT, self.thread, 0, 0)
    }

    /// Waits for its next stop; `None` if none came in time.
    ///
    /// # Errors
    /// That it is gone.
    pub fn wait(&mut self, patience: Duration) -> io::Result<Option<Stop>> {
        let deadline = Instant::now() + patience;
        loop {
            let mut status = 0;
            // SAFETY: `status` is a place for one int.
            let waited = unsafe { libc::waitpid(self.thread, &raw mut status, libc::__WALL | libc::WNOHANG) };
            if waited == self.thread {
                let stop = stop_of(status);
                self.is_stopped = stop != Stop::Ended;
                return Ok(Some(stop));
            }
            if waited < 0 {
                return Err(io::Error::last_os_error());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            wait_for_child(left.min(Duration::from_millis(1)));
        }
    }

    /// Brings it to a stop by [`Tracee::interrupt`], from running or from another stop, passing on signals
    /// that come in between.
    ///
    /// # Errors
    /// That it is gone.
    pub fn stop(&mut self, patience: Duration) -> io::Result<Option<Stop>> {
        let deadline = Instant::now() + patience;
        self.interrupt()?;
        if self.is_stopped {
            self.go_on(Resume::Freely, 0)?;
        }
        loop {
            match self.wait(deadline.saturating_duration_since(Instant::now()))? {
                Some(Stop::Signal(number)) => self.go_on(Resume::Freely, number)?,
                Some(Stop::SystemCall) => self.go_on(Resume::Freely, 0)?,
                stop => return Ok(stop),
            }
        }
    }

    /// Lets a stopped thread go on, with a signal if `signal` is not 0.
    ///
    /// # Errors
    /// That it is gone or not stopped.
    pub fn go_on(&mut self, resume: Resume, signal: i32) -> io::Result<()> {
        let how = match resume {
            Resume::Freely => libc::PTRACE_CONT,
            Resume::ToSystemCall => libc::PTRACE_SYSCALL,
        };
        request(how, self.thread, 0, usize::try_from(signal).unwrap_or(0))?;
        self.is_stopped = false;
        Ok(())
    }

    /// Lets go of a stopped thread.
    ///
    /// # Errors
    /// That it is gone or not stopped.
    pub fn detach(&mut self) -> io::Result<()> {
        self.is_stopped = false;
        request(libc::PTRACE_DETACH, self.thread, 0, 0)
    }

    /// # Errors
    /// That it is gone or not stopped.
    pub fn registers(&self) -> io::Result<Registers> {
        // SAFETY: all-zero bytes are a valid value of this struct of integers.
        let mut registers: Registers = unsafe { std::mem::zeroed() };
        request(libc::PTRACE_GETREGS, self.thread, 0, (&raw mut registers).expose_provenance())?;
        Ok(registers)
    }

    /// # Errors
    /// As [`Tracee::registers`].
    pub fn set_registers(&self, registers: &Registers) -> io::Result<()> {
        request(libc::PTRACE_SETREGS, self.thread, 0, std::ptr::from_ref(registers).expose_provenance())
    }

    /// The `XSAVE` area: floating point and vector registers.
    ///
    /// # Errors
    /// As [`Tracee::registers`].
    pub fn xstate(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; LARGEST_XSTATE];
        let mut span = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        request(libc::PTRACE_GETREGSET, self.thread, XSTATE, (&raw mut span).expose_provenance())?;
        bytes.truncate(span.iov_len);
        Ok(bytes)
    }

    /// # Errors
    /// As [`Tracee::registers`].
    pub fn set_xstate(&self, bytes: &[u8]) -> io::Result<()> {
        let span = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        request(libc::PTRACE_SETREGSET, self.thread, XSTATE, (&raw const span).expose_provenance())
    }

    /// The signals that it blocks.
    ///
    /// # Errors
    /// As [`Tracee::registers`].
    pub fn signal_mask(&self) -> io::Result<u64> {
        let mut mask = 0_u64;
        request(GET_SIGNAL_MASK, self.thread, size_of::<u64>(), (&raw mut mask).expose_provenance())?;
        Ok(mask)
    }

    /// # Errors
    /// As [`Tracee::registers`].
    pub fn set_signal_mask(&self, mask: u64) -> io::Result<()> {
        let place = (&raw const mask).expose_provenance();
        request(SET_SIGNAL_MASK, self.thread, size_of::<u64>(), place)
    }

    /// Writes into memory that the target itself may not write, word by word.
    ///
    /// # Errors
    /// As [`Tracee::registers`]; also that nothing is mapped there.
    pub fn poke(&self, address: u64, bytes: &[u8]) -> io::Result<()> {
        for (at, chunk) in (0_u64..).step_by(8).zip(bytes.chunks(8)) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let place = usize::try_from(address + at).unwrap_or(0);
            request(libc::PTRACE_POKEDATA, self.thread, place, usize::from_ne_bytes(word))?;
        }
        Ok(())
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        if self.is_stopped {
            // A thread that is gone needs no detaching.
            let _ = request(libc::PTRACE_DETACH, self.thread, 0, 0);
        }
    }
}

/// How far a thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    Freely,
    /// Until the next entry or exit of a system call.
    ToSystemCall,
}

fn stop_of(status: i32) -> Stop {
    if !libc::WIFSTOPPED(status) {
        return Stop::Ended;
    }
    let signal = libc::WSTOPSIG(status);
    match status >> 16 {
        libc::PTRACE_EVENT_STOP if signal == libc::SIGTRAP => Stop::Interrupted,
        libc::PTRACE_EVENT_STOP => Stop::Group,
        _ if signal == libc::SIGTRAP | 0x80 => Stop::SystemCall,
        _ => Stop::Signal(signal),
    }
}

/// Sleeps until a child or tracee changes, or the time is over.
fn wait_for_child(patience: Duration) {
    let nanoseconds = i64::from(patience.subsec_nanos());
    let time = libc::timespec { tv_sec: 0, tv_nsec: nanoseconds };
    let set = child_signal();
    // SAFETY: both are valid for reading; no information is asked for.
    unsafe { libc::sigtimedwait(&raw const set, std::ptr::null_mut(), &raw const time) };
}

fn child_signal() -> libc::sigset_t {
    // SAFETY: all-zero bytes are a valid set, which the calls then fill.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        set
    }
}

/// Runs something in a thread of its own, whose tracees the kernel lets go when it ends. SIGCHLD, which
/// tells of their stops, is held back from the calling thread meanwhile.
///
/// # Errors
/// That no thread could be started, or that of `action`.
pub fn in_own_thread<T: Send>(action: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let set = child_signal();
    // SAFETY: all-zero bytes are a valid set, which the next call fills.
    let mut before: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: both sets are valid; only this thread's mask changes.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, &raw mut before) };
    let result = std::thread::scope(|scope| {
        let started = std::thread::Builder::new().name("tracer".into()).spawn_scoped(scope, action);
        let thread = started.map_err(Refusal::system("start a thread"))?;
        let broken = |_| Refusal::system("trace it")(io::Error::other("the tracing thread broke off"));
        thread.join().unwrap_or_else(|panic| Err(broken(panic)))
    });
    // SAFETY: `before` was filled above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut()) };
    result
}

fn request(request: libc::c_uint, thread: i32, address: usize, data: usize) -> io::Result<()> {
    let address: *mut libc::c_void = std::ptr::with_exposed_provenance_mut(address);
    let data: *mut libc::c_void = std::ptr::with_exposed_provenance_mut(data);
    // SAFETY: where the request takes a pointer, the callers give one to a live value of the right type
    // and size; addresses of the tracee are checked by the kernel.
    let result = unsafe { libc::ptrace(request, thread, address, data) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
