//! Fork and exit. A forked child has no threads, and Python 3.12 warns when a process with threads forks:
//! so the link's thread is stopped before and started after, in parent and child. At exit it is kept from
//! the interpreter for good, before finalization.

use crate::link;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Registers with `os.register_at_fork` and `atexit`.
pub fn register(py: Python<'_>) -> PyResult<()> {
    let handlers = PyDict::new(py);
    handlers.set_item("before", wrap_pyfunction!(before_fork, py)?)?;
    handlers.set_item("after_in_parent", wrap_pyfunction!(after_fork_in_parent, py)?)?;
    handlers.set_item("after_in_child", wrap_pyfunction!(after_fork_in_child, py)?)?;
    py.import("os")?.getattr("register_at_fork")?.call((), Some(&handlers))?;
    py.import("atexit")?.getattr("register")?.call1((wrap_pyfunction!(at_exit, py)?,))?;
    Ok(())
}

#[pyfunction]
fn before_fork(py: Python<'_>) {
    py.detach(link::pause);
}

/// CPython 3.13 counts threads after this handler and warns if there is another one: so the thread is started
/// by a pending call, which the main thread makes when `os.fork` returns. Where another thread forks there are
/// several threads anyway.
#[pyfunction]
fn after_fork_in_parent() {
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
    // A panic must not leave this function.
    let _ = std::panic::catch_unwind(link::go_on);
    0
}

#[pyfunction]
fn after_fork_in_child() {
    link::renew();
}

#[pyfunction]
fn at_exit(py: Python<'_>) {
    py.detach(link::close);
}
