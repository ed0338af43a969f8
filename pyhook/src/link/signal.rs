//! What the process's other threads tell the link's thread: to end, to look at once, to look soon.
//!
//! The wake-up is only ever locked while the GIL is held; where a fork that Python does not know of copied it in
//! a locked state, the child has none.

use super::descriptor;
use std::cell::Cell;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Asks the thread to end; it leaves its connection to whoever joins it.
static STOP: AtomicBool = AtomicBool::new(false);
/// Whoever woke the thread does not want it to wait.
static URGENT: AtomicBool = AtomicBool::new(false);
/// The thread waits a moment before it connects; then it looks at everything.
static SETTLING: AtomicBool = AtomicBool::new(false);
/// The daemon let this process go: no thread is started, here or in forked children, until an attach.
static DETACHED: AtomicBool = AtomicBool::new(false);
/// Number of the thread that was started last. An earlier one that could not be woken ends when it can.
static STARTED: AtomicU64 = AtomicU64::new(0);
/// Wakes the thread: to stop, or to send a report.
static WAKE: Mutex<Option<Arc<OwnedFd>>> = Mutex::new(None);

thread_local! {
    /// This thread's number, on threads of the link.
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// The number of a thread that is to be started now; it waits a moment first if it is to `settle`.
pub fn announce(settle: bool) -> u64 {
    STOP.store(false, Ordering::SeqCst);
    SETTLING.store(settle, Ordering::SeqCst);
    STARTED.fetch_add(1, Ordering::SeqCst) + 1
}

/// This is the thread of that number.
pub fn begin(number: u64) {
    NUMBER.set(number);
}

/// The thread waited its moment.
pub fn settled() {
    SETTLING.store(false, Ordering::SeqCst);
}

/// Whether the thread of the link that asks is to end.
pub fn is_to_end() -> bool {
    STOP.load(Ordering::SeqCst) || NUMBER.get() != STARTED.load(Ordering::SeqCst)
}

/// Whether whoever woke the thread does not want it to wait. Asked once.
pub fn is_urgent() -> bool {
    URGENT.swap(false, Ordering::SeqCst)
}

/// The daemon let this process go.
pub fn detach() {
    DETACHED.store(true, Ordering::SeqCst);
}

/// Whether the daemon let this process go.
pub fn is_detached() -> bool {
    DETACHED.load(Ordering::SeqCst)
}

/// The process is attached to again; whether the daemon had let it go.
pub fn forget_detached() -> bool {
    DETACHED.swap(false, Ordering::SeqCst)
}

/// The thread is to end, once it is awake.
pub fn stop() {
    STOP.store(true, Ordering::SeqCst);
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

/// Wakes the thread; whether that could be done. Call with the GIL.
pub fn wake() -> bool {
    current_wake().is_some_and(|wake| rustix::io::write(&wake, &1u64.to_ne_bytes()).is_ok())
}

/// The wake-up, if there is one. Call with the GIL.
pub fn current_wake() -> Option<Arc<OwnedFd>> {
    WAKE.try_lock().ok()?.clone()
}

/// A new wake-up, with a high number if it is to be `lifted`, in place of the one before, whose number may be
/// another file's by now if it `was_closed`. Call with the GIL.
///
/// # Errors
/// That the process has no descriptor left.
pub fn renew_wake(lifted: bool, was_closed: bool) -> io::Result<Arc<OwnedFd>> {
    let new = descriptor::wake(lifted)?;
    let before = WAKE.try_lock().ok().and_then(|mut wake| wake.replace(Arc::clone(&new)));
    if was_closed {
        // Its number is not ours any more: it is never closed.
        std::mem::forget(before);
    }
    Ok(new)
}
