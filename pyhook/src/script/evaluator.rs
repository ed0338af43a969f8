//! Evaluating one frame with other code: PEP 523's function stands from the start of the process until the
//! script's own frame comes, which is the first of a module that no other frame calls, and is then gone.

use super::patched;
use super::symbols::Symbols;
use pyo3::prelude::*;
use pyo3::{ffi, intern};
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

static SYMBOLS: OnceLock<Symbols> = OnceLock::new();

/// The thread that is to run the script; null while none is awaited.
static THREAD: AtomicPtr<ffi::PyThreadState> = AtomicPtr::new(std::ptr::null_mut());

/// How many more frames are looked at before nothing is expected any more.
static LEFT: AtomicU32 = AtomicU32::new(0);

/// Frames that `.pth` files, `sitecustomize` and the like may need before the script starts. Looking at so many
/// takes some hundredths of a second, once.
const PATIENCE: u32 = 1_000_000;

/// Starts looking at frames of this thread, unless another tool does.
pub fn arm(py: Python<'_>) {
    let Some(found) = Symbols::find(py) else { return };
    let symbols = SYMBOLS.get_or_init(|| found);
    LEFT.store(PATIENCE, Ordering::Relaxed);
    // SAFETY: with the GIL held the thread has a state.
    let thread = unsafe { ffi::PyThreadState_Get() };
    THREAD.store(thread, Ordering::Relaxed);
    if !symbols.exchange(py, symbols.evaluate, evaluate) {
        THREAD.store(std::ptr::null_mut(), Ordering::Relaxed);
    }
}

/// Whether the script is still to come.
pub fn is_armed() -> bool {
    !THREAD.load(Ordering::Relaxed).is_null()
}

/// Nothing of it stays but the function itself, if another tool has put its own before it.
fn disarm(py: Python<'_>, symbols: &Symbols) {
    symbols.exchange(py, evaluate, symbols.evaluate);
    THREAD.store(std::ptr::null_mut(), Ordering::Relaxed);
}

/// The function that the interpreter calls for each frame.
///
/// # Safety
/// The thread is the one that runs, with the GIL held, and the frame is one that it is about to evaluate.
unsafe extern "C" fn evaluate(
    thread: *mut ffi::PyThreadState,
    frame: *mut c_void,
    throwing: c_int,
) -> *mut ffi::PyObject {
    let Some(symbols) = SYMBOLS.get() else { return std::ptr::null_mut() };
    if throwing == 0 && thread == THREAD.load(Ordering::Relaxed) {
        // A panic must not leave this function.
        let patched = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: the interpreter gave the frame, and holds the GIL. It may not call itself initialized yet:
            // in 3.15 it does not while `.start` files run.
            unsafe { patched(Python::assume_attached(), symbols, frame) }
        }));
        if let Ok(Some((code, namespace))) = patched {
            // SAFETY: as above; both references are ours.
            return unsafe { instead(symbols, thread, frame, code, namespace) };
        }
    }
    // SAFETY: what the interpreter itself would call, with its own arguments.
    unsafe { (symbols.evaluate)(thread, frame, throwing) }
}

/// Code and namespace to evaluate instead of this frame, if it is the script's and has patches.
///
/// # Safety
/// As for [`Symbols::code`].
unsafe fn patched(py: Python<'_>, symbols: &Symbols, frame: *mut c_void) -> Option<(Py<PyAny>, Py<PyAny>)> {
    if LEFT.fetch_sub(1, Ordering::Relaxed) == 0 {
        disarm(py, symbols);
        return None;
    }
    // SAFETY: the caller's promise.
    let code = unsafe { symbols.code(py, frame) }?;
    let name = code.getattr(intern!(py, "co_name")).ok()?;
    let is_module = name.eq(intern!(py, "<module>")).ok()?;
    // A folder or an archive with a `__main__` runs by `runpy`.
    let ends = is_module || name.eq(intern!(py, "_run_module_as_main")).ok()?;
    if !ends || is_called() {
        return None;
    }
    let patched = if is_module { Python::try_attach(|_| patched::patched(&code)).flatten() } else { None };
    disarm(py, symbols);
    patched
}

/// Whether this thread is within another frame.
fn is_called() -> bool {
    // SAFETY: the GIL is held; the answer is borrowed, and only compared.
    unsafe { !ffi::PyEval_GetFrame().is_null() }
}

/// What this other code gives in the place of the frame, for which it takes over the references.
///
/// # Safety
/// As for [`Symbols::code`], on the frame's thread.
unsafe fn instead(
    symbols: &Symbols,
    thread: *mut ffi::PyThreadState,
    frame: *mut c_void,
    code: Py<PyAny>,
    namespace: Py<PyAny>,
) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise; both live until the code has run.
    unsafe {
        let (code, namespace) = (code.into_ptr(), namespace.into_ptr());
        let result = ffi::PyEval_EvalCode(code, namespace, namespace);
        symbols.discard(thread, frame);
        ffi::Py_DECREF(code);
        ffi::Py_DECREF(namespace);
        result
    }
}
