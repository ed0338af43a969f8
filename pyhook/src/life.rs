//! Fork and exit. A forked child has no threads, and Python 3.12 warns when a process with threads forks:
//! so the link's thread is stopped before and started after, in parent and child. At exit it is kept from
//! the interpreter for good, before finalization.
//!
//! Programs that embed Python, such as uWSGI, fork without telling it. The C library tells us; what runs Python
//! code in such a child makes a pending call, which starts a link. A child that only starts a program does not.

use crate::link;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::atomic::{AtomicU32, Ordering};

/// Forks under way that Python knows of.
static KNOWN_FORKS: AtomicU32 = AtomicU32::new(0);

/// Registers with `os.register_at_fork`, `atexit` and the C library.
pub fn register(py: Python<'_>) -> PyResult<()> {
    let handlers = PyDict::new(py);
    handlers.set_item("before", wrap_pyfunction!(before_fork, py)?)?;
    handlers.set_item("after_in_parent", wrap_pyfunction!(after_fork_in_parent, py)?)?;
    handlers.set_item("after_in_child", wrap_pyfunction!(after_fork_in_child, py)?)?;
    py.import("os")?.getattr("register_at_fork")?.call((), Some(&handlers))?;
    py.import("atexit")?.getattr("register")?.call1((wrap_pyfunction!(at_exit, py)?,))?;
    // SAFETY: the functions take no argument and live as long as the extension, which is never unloaded.
    unsafe {
        libc::pthread_atfork(Some(before_any_fork), Some(after_any_in_parent), Some(after_any_in_child))
    };
    Ok(())
}

#[pyfunction]
fn before_fork(py: Python<'_>) {
    KNOWN_FORKS.fetch_add(1, Ordering::SeqCst);
    py.detach(link::pause);
}

/// CPython 3.13 counts threads after this handler and warns if there is another one: so the thread is started
/// by a pending call, which the main thread makes when `os.fork` returns. Where another thread forks there are
/// several threads anyway.
#[pyfunction]
fn after_fork_in_parent() {
    KNOWN_FORKS.fetch_sub(1, Ordering::SeqCst);
    link::unpause();
    let is_main = rustix::thread::gettid() == rustix::process::getpid();
    // SAFETY: the function takes no argument and lives as long as the extension, which is never unloaded.
    let scheduled =
        is_main && unsafe { pyo3::ffi::Py_AddPendingCall(Some(go_on), std::ptr::null_mut()) } == 0;
    if !scheduled {
        link::go_on();
    }
}

/// The pending call; the interpreter makes it with the GIL held.
extern "C" fn go_on(_: *mut std::ffi::c_void) -> std::ffi::c_int {
    contained(link::go_on);
    0
}

#[pyfunction]
fn after_fork_in_child() {
    KNOWN_FORKS.store(0, Ordering::SeqCst);
    link::renew();
}

extern "C" fn before_any_fork() {
    contained(link::gate::hold);
}

extern "C" fn after_any_in_parent() {
    contained(|| link::gate::release(false));
}

extern "C" fn after_any_in_child() {
    contained(|| link::gate::release(true));
    if KNOWN_FORKS.load(Ordering::SeqCst) == 0 {
        // SAFETY: as above; a full queue leaves the child without a link.
        unsafe { pyo3::ffi::Py_AddPendingCall(Some(go_on_in_child), std::ptr::null_mut()) };
    }
}

/// The pending call of a child; the interpreter makes it with the GIL held.
extern "C" fn go_on_in_child(_: *mut std::ffi::c_void) -> std::ffi::c_int {
    contained(link::renew_if_forked);
    0
}

/// A panic must not leave a function that C calls.
fn contained(action: impl FnOnce()) {
    // There is nobody to tell of it.
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(action));
}

#[pyfunction]
fn at_exit(py: Python<'_>) {
    py.detach(link::close);
}
