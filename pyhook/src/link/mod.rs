//! The link: one native thread with one connection to the daemon, waiting for pushes. This file owns the
//! thread's life (start, pause around fork, close at exit); [`thread`] is what it does, [`gate`] keeps it
//! from the interpreter at exit, [`wire`] is the connection, [`session`] the conversation.
//!
//! `CONTROL` is only ever locked while the GIL is held, so a fork never copies it in a locked state.

mod descriptor;
pub mod gate;
mod session;
mod thread;
mod wire;

use patchctl_protocol::PROTOCOL;
use patchctl_protocol::hook::Hello;
use pyo3::prelude::*;
use rustix::process::{Pid, getpid};
use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use thread::{Kept, Worker};

/// Asks the thread to end; it leaves its connection to whoever joins it.
static STOP: AtomicBool = AtomicBool::new(false);
/// The daemon let this process go: no thread is started, here or in forked children, until an attach.
static DETACHED: AtomicBool = AtomicBool::new(false);

/// Whoever woke the thread does not want it to wait.
static URGENT: AtomicBool = AtomicBool::new(false);

/// The thread waits a moment before it connects; then it looks at everything.
static SETTLING: AtomicBool = AtomicBool::new(false);

/// Number of the thread that was started last. An earlier one that could not be woken ends when it can.
static STARTED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// This thread's number, on threads of the link.
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// Whether the thread of the link that asks is to end.
fn is_to_end() -> bool {
    STOP.load(Ordering::SeqCst) || NUMBER.get() != STARTED.load(Ordering::SeqCst)
}

struct Control {
    /// Attached to while it ran, instead of started with the hook.
    attached: bool,
    /// Wakes the thread: to stop, or to send a report.
    wake: Arc<OwnedFd>,
    thread: Option<JoinHandle<Kept>>,
    kept: Kept,
    /// Forks under way; the thread runs while there are none.
    pauses: u32,
    /// The process that it belongs to.
    process: Pid,
}

static CONTROL: Mutex<Option<Control>> = Mutex::new(None);

fn control() -> MutexGuard<'static, Option<Control>> {
    CONTROL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread. It connects at once if it has work, else a moment later, so that a process that ends
/// in that moment pays for no conversation.
pub fn start(attached: bool, has_work: bool) -> PyResult<()> {
    let wake = descriptor::wake(!attached)?;
    let mut new =
        Control { attached, wake, thread: None, kept: Kept::default(), pauses: 0, process: getpid() };
    new.spawn(!has_work);
    *control() = Some(new);
    Ok(())
}

/// A hello with what `sys` says now.
pub fn hello(sys: &Bound<'_, PyModule>, attached: bool) -> PyResult<Hello> {
    let version = sys.getattr("version_info")?;
    let part = |index: usize| version.get_item(index).and_then(|part| part.extract::<u32>());
    let text = |name: &str| crate::interpreter::text(sys.as_any(), name).unwrap_or_default();
    Ok(Hello {
        protocol: PROTOCOL,
        python: format!("{}.{}.{}", part(0)?, part(1)?, part(2)?),
        implementation: crate::interpreter::text(&sys.getattr("implementation")?, "name").unwrap_or_default(),
        free_threaded: false,
        prefix: text("prefix"),
        executable: text("executable"),
        attached,
        refusal: None,
        search_path: crate::modules::search_path(sys),
    })
}

impl Control {
    /// Puts another wake-up in place of one that the application closed.
    fn replace_wake(&mut self) {
        if let Ok(wake) = descriptor::wake(!self.attached) {
            let closed = std::mem::replace(&mut self.wake, wake);
            // Its number is not ours any more: it is never closed.
            std::mem::forget(closed);
        }
    }

    fn spawn(&mut self, settle: bool) {
        STOP.store(false, Ordering::SeqCst);
        SETTLING.store(settle, Ordering::SeqCst);
        let kept = std::mem::take(&mut self.kept);
        let number = STARTED.fetch_add(1, Ordering::SeqCst) + 1;
        let worker = Worker { number, attached: self.attached, settle, wake: Arc::clone(&self.wake), kept };
        // Without a thread (RLIMIT_NPROC) the process goes on without pushes.
        self.thread = worker.spawn().ok();
    }
}

/// Before a fork: ends the thread, keeping its connection. Call without the GIL.
pub fn pause() {
    let running = Python::attach(|_| {
        let mut control = control();
        let control = control.as_mut()?;
        control.pauses += 1;
        STOP.store(true, Ordering::SeqCst);
        if rustix::io::write(&control.wake, &1u64.to_ne_bytes()).is_err() {
            // The application closed it: the thread sleeps, and is left to itself.
            control.thread = None;
            control.replace_wake();
        }
        control.thread.take()
    });
    let Some(thread) = running else { return };
    let kept = thread::join(thread);
    Python::attach(|_| {
        if let Some(control) = control().as_mut() {
            control.kept = kept;
        }
    });
}

/// After a fork, in the parent: the fork is over. Call with the GIL.
pub fn unpause() {
    if let Some(control) = control().as_mut() {
        control.pauses = control.pauses.saturating_sub(1);
    }
}

/// The thread goes on where it was, unless a fork is under way. Call with the GIL.
pub fn go_on() {
    if let Some(control) = control().as_mut()
        && control.pauses == 0
        && control.thread.is_none()
        && !DETACHED.load(Ordering::SeqCst)
    {
        control.spawn(false);
    }
}

/// After a fork, in the child: a link of its own. Call with the GIL.
pub fn renew() {
    if let Some(control) = control().as_mut() {
        let Ok(wake) = descriptor::wake(!control.attached) else { return };
        control.pauses = 0;
        control.process = getpid();
        control.thread = None;
        control.wake = wake;
        control.kept = Kept::default();
        if !DETACHED.load(Ordering::SeqCst) {
            control.spawn(true);
        }
    }
}

/// In a child of a fork that Python did not know of (uWSGI's): a link of its own. Call with the GIL.
pub fn renew_if_forked() {
    // Copied in a locked state it stays so, and the child without a link.
    let forked = CONTROL
        .try_lock()
        .is_ok_and(|control| control.as_ref().is_some_and(|control| control.process != getpid()));
    if forked {
        renew();
    }
}

/// At exit: keeps the thread from the interpreter for good, waiting for a reconcile under way.
/// Call without the GIL.
pub fn close() {
    STOP.store(true, Ordering::SeqCst);
    gate::close();
}

/// An attach to a process that has the hook: links again after a detach.
pub fn resume() {
    let mut control = control();
    let Some(control) = control.as_mut() else { return };
    let let_go = DETACHED.swap(false, Ordering::SeqCst);
    if let_go || control.thread.as_ref().is_none_or(JoinHandle::is_finished) {
        control.attached = true;
        control.kept = Kept::default();
        control.spawn(false);
    } else {
        // It may sleep between two attempts to connect.
        URGENT.store(true, Ordering::SeqCst);
        rustix::io::write(&control.wake, &1u64.to_ne_bytes()).ok();
    }
}

/// The wake-up to use in place of one that turned out to be closed.
fn fresh_wake() -> Option<Arc<OwnedFd>> {
    gate::inside(|_| {
        let mut control = control();
        let control = control.as_mut()?;
        control.replace_wake();
        Some(Arc::clone(&control.wake))
    })
    .flatten()
}

/// Makes the thread look for work now: something changed outside of it. Call with the GIL.
pub fn nudge() {
    URGENT.store(true, Ordering::SeqCst);
    wake();
}

/// The same in a moment, when imports under way have gone on: looking takes the GIL from them. Call with the
/// GIL.
pub fn report_soon() {
    // To wake a thread on another processor takes as long as to compile a function.
    if !SETTLING.load(Ordering::SeqCst) {
        wake();
    }
}

fn wake() {
    if let Some(control) = control().as_ref() {
        rustix::io::write(&control.wake, &1u64.to_ne_bytes()).ok();
    }
}
