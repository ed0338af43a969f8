//! `threading` believes that the thread that imports it first is the main thread (CPython before 3.13,
//! `Lib/threading.py`). A patch's statement that imports it in the link's thread would leave the
//! application with a wrong `main_thread()` for ever, so it is imported beforehand with the main thread's
//! identity in place.

use super::frames;
use crate::interpreter;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Executed with `main`, the main thread's `get_ident()`, in a namespace of its own.
const IMPORT_AS_MAIN: &str = r"
import _thread, os
names = ('get_ident', 'get_native_id', '_set_sentinel')
real = {name: getattr(_thread, name) for name in names}
# The caller acquires this lock itself; the interpreter releases the real one at the thread's end.
_thread._set_sentinel = _thread.allocate_lock
_thread.get_ident, _thread.get_native_id = (lambda: main), os.getpid
try:
    import threading
finally:
    for name in names:
        setattr(_thread, name, real[name])
for name in names:
    if hasattr(threading, name):
        setattr(threading, name, real[name])
";

/// Imports `threading` as if the main thread did, if nobody has yet and the interpreter needs it.
///
/// # Errors
/// What the import raises.
pub fn settle(py: Python<'_>) -> PyResult<()> {
    if py.version_info() >= (3, 13) || interpreter::modules(py)?.contains("threading")? {
        return Ok(());
    }
    let own: u64 = py.import("_thread")?.getattr("get_ident")?.call0()?.extract()?;
    let others: Vec<u64> = frames::innermost(py)?
        .keys()
        .iter()
        .filter_map(|ident| ident.extract().ok())
        .filter(|ident| *ident != own)
        .collect();
    // Without `threading` there is one thread besides this one; where low-level code made more, which of
    // them is the main thread can't be told.
    let [main] = others.as_slice() else { return Ok(()) };
    let namespace = PyDict::new(py);
    namespace.set_item("main", main)?;
    interpreter::builtins(py)?.exec.bind(py).call1((IMPORT_AS_MAIN, &namespace, &namespace)).map(drop)
}
