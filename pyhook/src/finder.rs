//! The import hook: a finder that stands on `sys.meta_path` from the moment at which the first patch is known
//! (asking any finder is a hundredth of an import) and finds nothing itself. For a module with patches it walks
//! the other finders, and [`crate::loader`] has the loader that they find answer with the patched code; the loader keeps its
//! type, and everything else sees what it always saw.

use crate::desired::{self, Interest};
use crate::{fault, link, loader, reconcile};
use patchctl_protocol::hook::{LoaderKind, ModuleFacts};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList};
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// Names that this thread looks for right now: the walk over the other finders may import.
    static LOOKING: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The entry of `sys.meta_path`.
#[pyclass(frozen, module = "patchctl_hook._native")]
pub struct Finder;

#[pymethods]
impl Finder {
    /// `importlib.abc.MetaPathFinder.find_spec`. One hash look-up for modules without patches.
    #[pyo3(signature = (name, path = None, target = None))]
    fn find_spec<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        path: Option<Bound<'py, PyAny>>,
        target: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let interest = desired::interest(name);
        if interest == Interest::None {
            notice_overtaking(slf.py());
            return Ok(None);
        }
        if LOOKING.with_borrow(|names| names.iter().any(|other| other == name)) {
            return Ok(None);
        }
        LOOKING.with_borrow_mut(|names| names.push(name.to_owned()));
        let spec = walk(slf, name, path, target);
        LOOKING.with_borrow_mut(|names| names.pop());
        let Some(spec) = spec? else {
            let added = (interest == Interest::Named)
                .then(|| fault::contained(|| new_module(slf.py(), name).ok().flatten()));
            return Ok(added.flatten().flatten());
        };
        // Nothing of ours may break an import: without the override it goes on unpatched.
        fault::contained(|| loader::prepare(&spec, name, interest).ok());
        Ok(Some(spec))
    }
}

/// Whether the finder stands on `sys.meta_path`.
static STANDING: AtomicBool = AtomicBool::new(false);

/// The finder that was the first one when the hook started: ours belongs before it, and behind those that came
/// later, which wrap the loaders that others find.
static FOREMOST: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Notes the place of the finder on `sys.meta_path`, and puts it there at once if there is a `placeholder`, whose
/// place it takes, or some module has patches.
///
/// # Errors
/// That there is no such list.
pub fn install(py: Python<'_>, placeholder: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let foremost = placeholder.cloned().or_else(|| meta_path(py).ok()?.get_item(0).ok());
    if let Some(foremost) = foremost {
        // The first one noted stays.
        let _ = FOREMOST.set(py, foremost.unbind());
    }
    if placeholder.is_some() { enter(py, true) } else { stand(py) }
}

/// Puts the finder in its place, once, as soon as some module has patches.
///
/// # Errors
/// That there is no such list.
pub fn stand(py: Python<'_>) -> PyResult<()> {
    let is_needed = desired::with(|known| !known.modules.is_empty());
    if is_needed { enter(py, false) } else { Ok(()) }
}

fn enter(py: Python<'_>, instead: bool) -> PyResult<()> {
    if STANDING.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let path = meta_path(py)?;
    let finder = Bound::new(py, Finder)?;
    // By identity: the application's finders are not compared, which could run code of theirs.
    let is_foremost = |one: Bound<'_, PyAny>| FOREMOST.get(py).is_some_and(|foremost| one.is(foremost));
    match path.iter().position(is_foremost) {
        // In the place of the placeholder: whoever walks the list right now passes over nothing.
        Some(position) if instead => path.set_item(position, finder),
        // Whoever walks the list now asks one finder twice.
        position => path.insert(position.unwrap_or(0), finder),
    }
}

fn meta_path(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    Ok(py.import("sys")?.getattr("meta_path")?.cast_into::<PyList>()?)
}

/// Whether the link knows that another finder stands before ours.
static OVERTAKEN: AtomicBool = AtomicBool::new(false);

/// Tells the link, once, that another finder was put before ours: it may load modules that we are not asked for.
fn notice_overtaking(py: Python<'_>) {
    if !OVERTAKEN.load(Ordering::Relaxed) && is_overtaken(py) {
        OVERTAKEN.store(true, Ordering::Relaxed);
        link::report_soon();
    }
}

/// Whether another finder stands before ours on `sys.meta_path`.
pub fn is_overtaken(py: Python<'_>) -> bool {
    if !STANDING.load(Ordering::Relaxed) {
        return false;
    }
    // SAFETY: the GIL is held; the list, which may be null, and its item are borrowed, and used only until the
    // next line that could run Python code.
    let first = unsafe {
        let path = pyo3::ffi::PySys_GetObject(c"meta_path".as_ptr());
        let path = Borrowed::<PyAny>::from_ptr_or_opt(py, path);
        path.and_then(|path| path.cast::<PyList>().ok()?.get_item(0).ok())
    };
    first.is_some_and(|first| !first.is_instance_of::<Finder>())
}

/// Asks the other finders, as `importlib._bootstrap._find_spec` does.
fn walk<'py>(
    own: &Bound<'py, Finder>,
    name: &str,
    path: Option<Bound<'py, PyAny>>,
    target: Option<Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = own.py();
    let finders = meta_path(py)?;
    for finder in finders.iter() {
        if finder.is(own) {
            continue;
        }
        let Ok(find_spec) = finder.getattr("find_spec") else { continue };
        let spec = find_spec.call1((name, path.as_ref(), target.as_ref()))?;
        if !spec.is_none() {
            return Ok(Some(spec));
        }
    }
    Ok(None)
}

/// The spec of a module that a patch adds: its text lies in a file of the daemon's.
fn new_module<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let facts = ModuleFacts { name: name.to_owned(), loader: LoaderKind::Other, ..ModuleFacts::default() };
    let question = loader::ask(py, facts);
    let Some(answer) = question.and_then(|question| question.answer(py, |_| None)) else { return Ok(None) };
    let Some(file) = reconcile::added(&answer) else { return Ok(None) };
    let machinery = py.import("_frozen_importlib_external")?;
    let loader = machinery.getattr("SourceFileLoader")?.call1((name, file))?;
    let options = PyDict::new(py);
    options.set_item("loader", loader)?;
    if file.ends_with("/__init__.py") {
        let folder = file.trim_end_matches("/__init__.py");
        options.set_item("submodule_search_locations", PyList::new(py, [folder])?)?;
    }
    let spec = machinery.getattr("spec_from_file_location")?.call((name, file), Some(&options))?;
    link::nudge();
    Ok(Some(spec))
}
