//! The life of the link's thread: start, pause around fork, close at exit.
//!
//! `CONTROL` is only ever locked while the GIL is held, so a fork never copies it in a locked state.

use super::thread::{self, Kept, Worker};
use super::{gate, signal};
use pyo3::prelude::*;
use rustix::process::{Pid, getpid};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

struct Control {
    /// Attached to while it ran, instead of started with the hook.
    attached: bool,
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
    signal::renew_wake(!attached, false)?;
    let mut new = Control { attached, thread: None, kept: Kept::default(), pauses: 0, process: getpid() };
    new.spawn(!has_work);
    *control() = Some(new);
    Ok(())
}

impl Control {
    fn spawn(&mut self, settle: bool) {
        let Some(wake) = signal::current_wake() else { return };
        let kept = std::mem::take(&mut self.kept);
        let number = signal::announce(settle);
        let worker = Worker { number, attached: self.attached, settle, wake, kept };
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
        signal::stop();
        if !signal::wake() {
            // The application closed it: the thread sleeps, and is left to itself.
            control.thread = None;
            signal::renew_wake(!control.attached, true).ok();
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
        && !signal::is_detached()
    {
        control.spawn(false);
    }
}

/// After a fork, in the child: a link of its own. Call with the GIL.
pub fn renew() {
    if let Some(control) = control().as_mut() {
        if signal::renew_wake(!control.attached, false).is_err() {
            return;
        }
        control.pauses = 0;
        control.process = getpid();
        control.thread = None;
        control.kept = Kept::default();
        if !signal::is_detached() {
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
    signal::stop();
    gate::close();
}

/// An attach to a process that has the hook: links again after a detach.
pub fn resume() {
    let mut control = control();
    let Some(control) = control.as_mut() else { return };
    let let_go = signal::forget_detached();
    if let_go || control.thread.as_ref().is_none_or(JoinHandle::is_finished) {
        control.attached = true;
        control.kept = Kept::default();
        control.spawn(false);
    } else {
        // It may sleep between two attempts to connect.
        signal::nudge();
    }
}
