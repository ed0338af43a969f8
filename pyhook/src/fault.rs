//! A fault of ours, a panic, ends where it is contained: the application sees nothing of it, originals go back
//! into their places, this process takes no more patches, and the daemon is told.

use crate::link;
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

/// The first one.
static FIRST: Mutex<Option<String>> = Mutex::new(None);
/// Whether it has still to be acted upon.
static FRESH: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Where this thread panicked.
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Runs something; after a panic the process takes no more patches.
pub fn contained<T>(action: impl FnOnce() -> T) -> Option<T> {
    caught(action).map_err(note).ok()
}

/// Runs something, quietly.
///
/// # Errors
/// Where it panicked, and with which message.
pub fn caught<T>(action: impl FnOnce() -> T) -> Result<T, String> {
    static QUIET: Once = Once::new();
    // This library's own hook: other libraries bring their own runtime.
    QUIET.call_once(|| {
        set_hook(Box::new(|panic| PLACE.set(panic.location().map(|place| format!(" at {place}")))));
    });
    catch_unwind(AssertUnwindSafe(action)).map_err(|payload| {
        let place = PLACE.take().unwrap_or_default();
        format!("a fault of the hook{place}: {}", message(payload.as_ref()))
    })
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref().copied()).unwrap_or("no message")
}

fn note(fault: String) {
    let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    if first.is_none() {
        *first = Some(fault);
        FRESH.store(true, Ordering::SeqCst);
        drop(first);
        link::report_soon();
    }
}

/// The first fault, which disabled the hook in this process.
pub fn first() -> Option<String> {
    FIRST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Whether there was one that nobody has acted upon; the caller does.
pub fn take_fresh() -> bool {
    FRESH.swap(false, Ordering::SeqCst)
}
