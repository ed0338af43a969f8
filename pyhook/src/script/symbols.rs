//! What the interpreter exports beside its stable ABI for evaluating a frame in another way (PEP 523), found by
//! name when it is needed: `Include/cpython/pystate.h`, `Include/cpython/ceval.h`, `Include/cpython/pyframe.h`.

use crate::interpreter::symbol;
use pyo3::ffi;
use pyo3::prelude::*;
use std::ffi::{c_int, c_void};

/// `_PyFrameEvalFunction`: thread state, frame, and whether it is resumed by throwing an exception into it.
pub type Evaluate = unsafe extern "C" fn(*mut ffi::PyThreadState, *mut c_void, c_int) -> *mut ffi::PyObject;

type Interpreter = *mut ffi::PyInterpreterState;

/// What is found in an interpreter of a version that is known: 3.9 to 3.15.
pub struct Symbols {
    pub minor: u8,
    pub evaluate: Evaluate,
    get: unsafe extern "C" fn(Interpreter) -> Evaluate,
    set: unsafe extern "C" fn(Interpreter, Evaluate),
    current: unsafe extern "C" fn() -> Interpreter,
    /// From 3.12 on.
    code: Option<unsafe extern "C" fn(*mut c_void) -> *mut ffi::PyObject>,
    /// From 3.11 on: no tool of `sys.monitoring`, `sys.settrace` or `sys.setprofile` is called in between.
    enter_tracing: Option<unsafe extern "C" fn(*mut ffi::PyThreadState)>,
    leave_tracing: Option<unsafe extern "C" fn(*mut ffi::PyThreadState)>,
}

/// Bytes before `f_code` in 3.11's `_PyInterpreterFrame` (`Include/internal/pycore_frame.h`).
const CODE_OFFSET_3_11: usize = 4 * size_of::<*mut c_void>();

impl Symbols {
    /// Finds them; `None` in an interpreter that is not known, or does not export them.
    pub fn find(py: Python<'_>) -> Option<Self> {
        let version = py.version_info();
        if version.major != 3 || !(9..=15).contains(&version.minor) {
            return None;
        }
        // SAFETY: the types are those of the declarations of these versions.
        let found = unsafe {
            Self {
                minor: version.minor,
                evaluate: symbol(c"_PyEval_EvalFrameDefault")?,
                get: symbol(c"_PyInterpreterState_GetEvalFrameFunc")?,
                set: symbol(c"_PyInterpreterState_SetEvalFrameFunc")?,
                current: symbol(c"PyInterpreterState_Get")?,
                code: symbol(c"PyUnstable_InterpreterFrame_GetCode"),
                enter_tracing: symbol(c"PyThreadState_EnterTracing"),
                leave_tracing: symbol(c"PyThreadState_LeaveTracing"),
            }
        };
        let tracing = found.enter_tracing.is_some() && found.leave_tracing.is_some();
        let sound = (version.minor < 12 || found.code.is_some()) && (version.minor < 11 || tracing);
        sound.then_some(found)
    }

    /// Puts `new` in the place of `old` as what evaluates frames; not if something else stands there.
    pub fn exchange(&self, _: Python<'_>, old: Evaluate, new: Evaluate) -> bool {
        // SAFETY: the GIL is held, so there is a current interpreter.
        unsafe {
            let interpreter = (self.current)();
            let is_old = std::ptr::fn_addr_eq((self.get)(interpreter), old);
            if is_old {
                (self.set)(interpreter, new);
            }
            is_old
        }
    }

    /// The code of a frame that is about to be evaluated.
    ///
    /// # Safety
    /// The frame is one that the interpreter has given to the function that evaluates frames.
    pub unsafe fn code<'py>(&self, py: Python<'py>, frame: *mut c_void) -> Option<Bound<'py, PyAny>> {
        // SAFETY: 3.12 and later answer with a new reference; in 3.11 the field is at that place for all of its
        // releases; before, a frame is an object.
        unsafe {
            match (self.minor, self.code) {
                (12.., Some(code)) => Bound::from_owned_ptr_or_opt(py, code(frame)),
                (11, _) => {
                    let field = frame.byte_add(CODE_OFFSET_3_11).cast::<*mut ffi::PyObject>();
                    Bound::from_borrowed_ptr_or_opt(py, *field)
                }
                _ => Bound::from_borrowed_ptr_or_opt(py, frame.cast())?.getattr("f_code").ok(),
            }
        }
    }

    /// Has a frame that nobody evaluates taken away, where that is up to whoever evaluates it: from 3.12 on. An
    /// exception is thrown into it, for which it has no handler before its first instruction.
    ///
    /// # Safety
    /// As for [`Symbols::code`], on the thread of the frame, with the GIL held.
    pub unsafe fn discard(&self, thread: *mut ffi::PyThreadState, frame: *mut c_void) {
        let (12.., Some(enter), Some(leave)) = (self.minor, self.enter_tracing, self.leave_tracing) else {
            return;
        };
        // SAFETY: what was raised before is kept meanwhile; no Python code runs.
        unsafe {
            let (mut kind, mut value, mut traceback) =
                (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
            ffi::PyErr_Fetch(&raw mut kind, &raw mut value, &raw mut traceback);
            ffi::PyErr_SetNone(ffi::PyExc_SystemError);
            enter(thread);
            ffi::Py_XDECREF((self.evaluate)(thread, frame, 1));
            leave(thread);
            ffi::PyErr_Clear();
            ffi::PyErr_Restore(kind, value, traceback);
        }
    }
}
