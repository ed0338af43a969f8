//! Words of the interpreter that the stable ABI does not have: `compile`, type tests for functions and code
//! objects, `sys.modules`. Reads attributes only of functions, code objects and specs, never of modules.

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyModule, PyTuple, PyType};
use std::ffi::{CStr, CString, c_void};

/// The builtins and types that are used over and over, taken once.
pub struct Builtins {
    pub compile: Py<PyAny>,
    pub exec: Py<PyAny>,
    pub eval: Py<PyAny>,
    pub type_setattr: Py<PyAny>,
    pub type_delattr: Py<PyAny>,
    pub function: Py<PyType>,
    pub cell: Py<PyType>,
}

static BUILTINS: PyOnceLock<Builtins> = PyOnceLock::new();

/// See [`Builtins`].
///
/// # Errors
/// What the interpreter raises; nothing in a sound one.
pub fn builtins(py: Python<'_>) -> PyResult<&Builtins> {
    BUILTINS.get_or_try_init(py, || {
        let module = py.import("builtins")?;
        let metatype = module.getattr("type")?;
        Ok(Builtins {
            compile: module.getattr("compile")?.unbind(),
            exec: module.getattr("exec")?.unbind(),
            eval: module.getattr("eval")?.unbind(),
            type_setattr: metatype.getattr("__setattr__")?.unbind(),
            type_delattr: metatype.getattr("__delattr__")?.unbind(),
            cell: exported_type(py, c"PyCell_Type")?,
            function: exported_type(py, c"PyFunction_Type")?,
        })
    })
}

/// `compile(source, filename, "exec", dont_inherit=True)` with the interpreter's optimisation level.
///
/// The builtin makes all types of `ast` when it is first called (CPython's `Python/bltinmodule.c`: it looks
/// whether its argument is a tree), which takes longer than to compile what changed of a module. So it is
/// called only for what `Py_CompileString` would read in another way.
///
/// # Errors
/// `SyntaxError` and whatever else `compile` raises.
pub fn compile<'py>(py: Python<'py>, source: &str, filename: &str) -> PyResult<Bound<'py, PyAny>> {
    // A declared encoding would be believed, and a file name is decoded with the locale's.
    let declares = source.lines().take(2).any(|line| line.contains("coding"));
    let plain = !declares && !source.starts_with('\u{feff}') && filename.is_ascii();
    let texts = CString::new(source).ok().zip(CString::new(filename).ok());
    let Some((text, name)) = texts.filter(|_| plain) else {
        return builtins(py)?.compile.bind(py).call1((source, filename, "exec", 0, true));
    };
    // SAFETY: two C strings that outlive the call, which answers with a new reference or an exception.
    unsafe {
        let code = ffi::Py_CompileString(text.as_ptr(), name.as_ptr(), ffi::Py_file_input);
        Bound::from_owned_ptr_or_err(py, code)
    }
}

/// Whether the object is a Python function (and no subclass or proxy of one).
///
/// # Errors
/// See [`builtins`].
pub fn is_function(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(object.get_type().is(builtins(object.py())?.function.bind(object.py())))
}

/// Whether the object is a code object. Asked at imports, so without what [`builtins`] takes.
///
/// # Errors
/// What the interpreter raises; nothing in a sound one.
pub fn is_code(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    static CODE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = object.py();
    let code = CODE.get_or_try_init(py, || exported_type(py, c"PyCode_Type"))?;
    Ok(object.get_type().is(code.bind(py)))
}

/// Module and name of an object's type; `None` where its metaclass, which is the application's, would be
/// asked.
#[must_use]
pub fn type_name(object: &Bound<'_, PyAny>) -> Option<(String, String)> {
    let kind = object.get_type();
    if !kind.get_type().is(object.py().get_type::<PyType>()) {
        return None;
    }
    Some((text(&kind, "__module__")?, text(&kind, "__name__")?))
}

/// `co_consts` of a code object.
///
/// # Errors
/// That it is none.
pub fn constants<'py>(code: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    Ok(code.getattr(intern!(code.py(), "co_consts"))?.cast_into::<PyTuple>()?)
}

/// Puts another object among the constants of a code object that nobody else has: a module's, just loaded. It
/// spares making it anew, whose instructions may be many. Whether it was done.
///
/// # Errors
/// That it is no code object.
pub fn replace_constant(
    code: &Bound<'_, PyAny>,
    position: usize,
    constant: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    let constants = constants(code)?;
    // SAFETY: both are alive; with the GIL nobody else counts.
    let references = unsafe { (ffi::Py_REFCNT(code.as_ptr()), ffi::Py_REFCNT(constants.as_ptr())) };
    // One of each is ours, one of the tuple's the code object's.
    if references != (1, 2) || position >= constants.len() {
        return Ok(false);
    }
    let tuple = constants.as_ptr();
    drop(constants);
    // SAFETY: the code object keeps the tuple alive, whose only reference is its own, as this function of the C
    // API demands; a reference to the constant is given away to it, and the one that it held is dropped by it.
    let done = unsafe { ffi::PyTuple_SetItem(tuple, position.cast_signed(), constant.clone().into_ptr()) };
    if done != 0 {
        return Err(PyErr::fetch(code.py()));
    }
    Ok(true)
}

/// The interpreter's own `sys.modules`, whatever the name in `sys` is bound to: without an import statement's
/// work, for this is asked for again and again.
///
/// # Errors
/// That someone put something else in its place.
pub fn modules(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    // SAFETY: with the GIL; answers with a borrowed reference, which becomes one of its own, or an exception.
    let modules = unsafe { Bound::from_borrowed_ptr_or_err(py, ffi::PyImport_GetModuleDict()) }?;
    modules.cast_into::<PyDict>().map_err(|_| PyRuntimeError::new_err("sys.modules is no dict"))
}

/// The namespace of the module of that name, without running any code of it: `None` if it is not loaded,
/// is no module, or would load when touched (`importlib.util.LazyLoader`).
///
/// # Errors
/// See [`modules`].
pub fn namespace<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyDict>>> {
    modules(py)?.get_item(name)?.map_or(Ok(None), |module| namespace_of(&module))
}

/// Names and namespaces of all loaded modules but the one with this namespace.
///
/// # Errors
/// See [`namespace`].
pub fn others<'py>(own: &Bound<'py, PyDict>) -> PyResult<Vec<(String, Bound<'py, PyDict>)>> {
    let mut found = Vec::new();
    // A copy: reading a type's name may switch threads, and another one may import.
    for (name, module) in modules(own.py())?.copy()? {
        let Ok(name) = name.extract::<String>() else { continue };
        found.extend(namespace_of(&module)?.filter(|other| !other.is(own)).map(|other| (name, other)));
    }
    Ok(found)
}

/// The same of something in `sys.modules`.
///
/// # Errors
/// What reading its type's name raises.
pub fn namespace_of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let Ok(module) = object.cast::<PyModule>() else { return Ok(None) };
    Ok(if is_lazy(module)? { None } else { Some(module.dict()) })
}

/// The module of that name, if it would load when touched.
#[must_use]
pub fn lazy_module<'py>(py: Python<'py>, name: &str) -> Option<Bound<'py, PyModule>> {
    let module = modules(py).ok()?.get_item(name).ok()??.cast_into::<PyModule>().ok()?;
    is_lazy(&module).ok()?.then_some(module)
}

fn is_lazy(module: &Bound<'_, PyModule>) -> PyResult<bool> {
    let plain = module.is_exact_instance_of::<PyModule>();
    Ok(!plain && module.get_type().name()?.to_cow()? == "_LazyModule")
}

/// The objects that refer to some others (`gc.get_referrers`): one pass over all that the collector tracks.
///
/// # Errors
/// What the call raises.
pub fn referrers<'py>(py: Python<'py>, objects: &[Bound<'py, PyAny>]) -> PyResult<Bound<'py, PyList>> {
    let get_referrers = py.import(intern!(py, "gc"))?.getattr(intern!(py, "get_referrers"))?;
    let objects = PyTuple::new(py, objects)?;
    let found = get_referrers.call1(&objects)?.cast_into::<PyList>()?;
    // From 3.13 on the call makes a tuple of its own, and passes over that one alone.
    if let Some(own) = found.iter().position(|object| object.is(&objects)) {
        found.del_item(own)?;
    }
    Ok(found)
}

/// Whether the module with this namespace is still being executed by the import system.
#[must_use]
pub fn is_initializing(namespace: &Bound<'_, PyDict>) -> bool {
    let spec = namespace.get_item("__spec__").ok().flatten();
    let flag = spec.and_then(|spec| spec.getattr("_initializing").ok());
    flag.is_some_and(|flag| flag.is_truthy().unwrap_or(false)) || is_locked(namespace).unwrap_or(false)
}

/// Whether an import holds the lock of the module; what loads by `load_module` has no other sign.
fn is_locked(namespace: &Bound<'_, PyDict>) -> PyResult<bool> {
    let Some(name) = namespace.get_item("__name__")? else { return Ok(false) };
    let locks = namespace.py().import("_frozen_importlib")?.getattr("_module_locks")?;
    match locks.cast::<PyDict>()?.get_item(name)? {
        Some(lock) => Ok(!lock.call0()?.is_none()),
        None => Ok(false),
    }
}

/// A text attribute, or `None` where it is missing or no text.
#[must_use]
pub fn text(object: &Bound<'_, PyAny>, attribute: &str) -> Option<String> {
    object.getattr(attribute).ok()?.extract().ok()
}

/// Whether there are interpreters beside the main one. The newest is the first of them all (`Python/pystate.c`),
/// and is not looked at: it may end on another thread.
#[must_use]
pub fn has_subinterpreters() -> bool {
    type Find = unsafe extern "C" fn() -> *mut ffi::PyInterpreterState;
    // SAFETY: the types are those of the declarations in `Include/cpython/pystate.h`, since 3.7.
    unsafe {
        let found =
            symbol::<Find>(c"PyInterpreterState_Head").zip(symbol::<Find>(c"PyInterpreterState_Main"));
        found.is_some_and(|(head, main)| head() != main())
    }
}

/// A type that the interpreter exports beside its stable ABI. To make an object of it, for its type, would take
/// the compiler.
fn exported_type(py: Python<'_>, name: &CStr) -> PyResult<Py<PyType>> {
    // SAFETY: the names are those of type objects (`PyAPI_DATA`), which live as long as the interpreter.
    let found =
        unsafe { symbol::<*mut ffi::PyObject>(name).map(|found| Bound::from_borrowed_ptr(py, found)) };
    let missing =
        || PyRuntimeError::new_err(format!("the interpreter exports no {}", name.to_string_lossy()));
    Ok(found.ok_or_else(missing)?.cast_into::<PyType>()?.unbind())
}

/// What the interpreter exports beside its stable ABI: a function, or an object's address.
///
/// # Safety
/// `T` is the function's type, or a pointer to the object.
pub unsafe fn symbol<T>(name: &CStr) -> Option<T> {
    const { assert!(size_of::<T>() == size_of::<*mut c_void>()) };
    // SAFETY: the name is a C string; a symbol that is there is the function's address.
    unsafe {
        let found = libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr());
        (!found.is_null()).then(|| std::mem::transmute_copy(&found))
    }
}

/// Runs something without the GIL, whether this thread holds it or not.
pub fn without_gil<T>(action: impl FnOnce() -> T) -> T {
    if !holds_gil() {
        return action();
    }
    // SAFETY: this thread holds the GIL.
    let state = unsafe { ffi::PyEval_SaveThread() };
    let result = action();
    // SAFETY: the state is this thread's own, from just before.
    unsafe { ffi::PyEval_RestoreThread(state) };
    result
}

/// Whether the current thread state is this thread's own. `PyGILState_Check` says so of every thread once there
/// are subinterpreters.
fn holds_gil() -> bool {
    type Current = unsafe extern "C" fn() -> *mut ffi::PyThreadState;
    // SAFETY: the type is that of the declarations (`Include/cpython/pystate.h`): the first is there from 3.13 on,
    // where the second is a macro.
    let current: Option<Current> =
        unsafe { symbol(c"PyThreadState_GetUnchecked").or_else(|| symbol(c"_PyThreadState_UncheckedGet")) };
    // SAFETY: both may be called at any time.
    let (current, own) = unsafe { (current.map(|current| current()), ffi::PyGILState_GetThisThreadState()) };
    !own.is_null() && current == Some(own)
}
