//! What the link's thread does: connect (again and again, less and less often), converse, end when asked.

use super::descriptor::lift;
use super::session::{End, Session};
use super::{gate, signal, wire};
use crate::{hello, place};
use patchctl_protocol::hook::Hello;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a stopped thread leaves for the next one: its session, and what it says of the process.
#[derive(Default)]
pub struct Kept {
    session: Option<Session>,
    hello: Option<Hello>,
}

/// A thread to be.
pub struct Worker {
    pub number: u64,
    pub attached: bool,
    /// Whether to wait a moment before connecting.
    pub settle: bool,
    pub wake: Arc<OwnedFd>,
    pub kept: Kept,
}

/// The thread's id in the kernel.
static THREAD_ID: AtomicI32 = AtomicI32::new(0);

/// Enough for the compiler and the imports of a patch's own statements; only touched pages count.
const STACK_SIZE: usize = 8 << 20;
/// The moment before the first connection: a process that ends sooner needs no link, and what it imports
/// asks for itself. Longer than `python -c pass` takes from here on.
const SETTLE: Duration = Duration::from_millis(20);
/// Waits between attempts to connect: quick ones first.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LAST_WAIT: Duration = Duration::from_secs(2);
const QUICK_ATTEMPTS: u32 = 25;
/// Longest wait until the kernel has forgotten a thread that ended; a loaded machine takes its time.
const LEAVING: Duration = Duration::from_secs(1);
/// Longest wait for a daemon that takes no connections.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);

impl Worker {
    /// Starts the thread with all signals blocked: a signal for the process must reach the application's
    /// threads, whose system calls it is to interrupt.
    pub fn spawn(self) -> std::io::Result<JoinHandle<Kept>> {
        let builder = std::thread::Builder::new().name("patchctl".into()).stack_size(STACK_SIZE);
        with_signals_blocked(|| builder.spawn(move || self.run()))
    }

    fn run(self) -> Kept {
        signal::begin(self.number);
        THREAD_ID.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::SeqCst);
        // A panic ends the link, never the application.
        catch_unwind(AssertUnwindSafe(|| self.serve())).unwrap_or_default()
    }

    fn serve(self) -> Kept {
        let Self { attached, settle, mut wake, kept: Kept { mut session, mut hello }, .. } = self;
        let mut attempts = 0;
        if settle {
            wire::sleep(&wake, Some(SETTLE)).ok();
            signal::settled();
        }
        while !signal::is_to_end() {
            if is_closed(&wake) {
                let Some(fresh) = fresh_wake(attached) else { break };
                std::mem::forget(std::mem::replace(&mut wake, fresh));
            }
            if session.is_none() {
                session = connect(attached, &mut hello);
            }
            let Some(mut open) = session.take() else {
                attempts += 1;
                wire::sleep(&wake, Some(pause_after(attempts))).ok();
                continue;
            };
            let begun = Instant::now();
            match open.converse(&wake) {
                End::Stopped => return Kept { session: Some(open), hello },
                End::Detached => {
                    signal::detach();
                    return Kept::default();
                }
                End::Lost if begun.elapsed() > LAST_WAIT && !open.was_refused() => attempts = 0,
                // Refused, or lost at once: what listens there may never become a daemon for this process.
                End::Lost => {
                    attempts = if open.was_refused() { QUICK_ATTEMPTS } else { attempts } + 1;
                    wire::sleep(&wake, Some(pause_after(attempts))).ok();
                }
            }
        }
        Kept { session, hello }
    }
}

/// A session with the first daemon that answers; the hello is made once, on the first connection.
fn connect(attached: bool, hello: &mut Option<Hello>) -> Option<Session> {
    let stream = place::connect(CONNECT_PATIENCE).ok()?;
    let stream = if attached { stream } else { UnixStream::from(lift(stream.into())) };
    if hello.is_none() {
        *hello = gate::inside(|py| hello::fresh(py, attached));
    }
    Session::open(stream, hello.as_ref()?).ok()
}

/// The wake-up to use in place of one that turned out to be closed.
fn fresh_wake(attached: bool) -> Option<Arc<OwnedFd>> {
    gate::inside(|_| signal::renew_wake(!attached, true).ok()).flatten()
}

/// Whether the application closed a descriptor.
fn is_closed(descriptor: &OwnedFd) -> bool {
    rustix::io::fcntl_getfd(descriptor).is_err()
}

fn pause_after(attempts: u32) -> Duration {
    if attempts <= QUICK_ATTEMPTS { FIRST_WAIT } else { LAST_WAIT }
}

/// Waits for a thread's end, and until the kernel has forgotten it: joining returns a moment before the
/// thread leaves the count that Python 3.12 reads after a fork to warn about threads.
pub fn join(thread: JoinHandle<Kept>) -> Kept {
    let kept = thread.join().unwrap_or_default();
    let deadline = Instant::now() + LEAVING;
    while is_alive(THREAD_ID.load(Ordering::SeqCst)) && Instant::now() < deadline {
        std::thread::yield_now();
    }
    kept
}

fn is_alive(thread: i32) -> bool {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    // SAFETY: signal 0 sends nothing; the call only looks whether the thread exists.
    thread != 0 && unsafe { libc::syscall(libc::SYS_tgkill, own, thread, 0) } == 0
}

fn with_signals_blocked<T>(action: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are plain data filled by the calls below before they are read; the calls change
    // this thread's signal mask only, and the old mask is put back.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        let blocked = libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before) == 0;
        let result = action();
        if blocked {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        }
        result
    }
}
