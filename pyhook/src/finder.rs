//! The import hook: a finder that stands on `sys.meta_path` from the moment at which the first patch is known
//! (asking any finder is a hundredth of an import) and finds nothing itself. For a module with patches it walks
//! the other finders, and has the loader instance's own `get_code` answer with the patched code, once, for that
//! one spec; the loader keeps its type, and everything else sees what it always saw.

use crate::ask::Question;
use crate::desired::{self, Interest};
use crate::{expected, fault, interpreter, link, modules, reconcile};
use patchctl_protocol::hook::{LoaderKind, ModuleFacts, Phase};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

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
        fault::contained(|| prepare(&spec, name, interest).ok());
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
    let question = ask(py, facts);
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

/// Overrides `get_code` on the spec's loader, or leaves the module to the live path.
fn prepare(spec: &Bound<'_, PyAny>, name: &str, interest: Interest) -> PyResult<()> {
    let py = spec.py();
    let loader = spec.getattr("loader")?;
    if loader.is_none() {
        return Ok(());
    }
    if !is_overridable(&loader)? {
        expected::add(py, name);
        link::nudge();
        return Ok(());
    }
    // What may be a second name of a module with patches is left to the live path, which compares files.
    let question = match interest {
        Interest::Named => ask(py, facts(spec, &loader, name)).map(Asked::Before),
        Interest::Resembling | Interest::None => None,
    };
    put(&loader, name, question)
}

/// The same for a module that is found already and loads when it is touched (`importlib.util.LazyLoader`), which
/// may be much later: it asks then. Nothing of the module is touched.
pub fn prepare_lazy(module: &Bound<'_, PyModule>, name: &str) -> PyResult<()> {
    let Some(spec) = module.dict().get_item("__spec__")? else { return Ok(()) };
    // That is the loader which will load it, no longer the lazy one.
    let loader = spec.getattr("loader")?;
    let is_ours =
        own_get_code(&loader).is_some_and(|own| own.bind(loader.py()).is_instance_of::<PatchedCode>());
    if is_ours || !is_overridable(&loader)? {
        return Ok(());
    }
    let facts = facts(&spec, &loader, name);
    put(&loader, name, Some(Asked::Then(facts)))
}

/// Whether a loader takes its code from its own `get_code`.
fn is_overridable(loader: &Bound<'_, PyAny>) -> PyResult<bool> {
    let kind = modules::loader_kind(loader);
    Ok(matches!(kind, LoaderKind::Source | LoaderKind::Sourceless | LoaderKind::Zip)
        && !loader.is_instance_of::<PyType>()
        // Archives up to Python 3.9 are loaded by `load_module`.
        && loader.hasattr("exec_module")?
        && interpreter::text(&loader.get_type(), "__module__")
            .is_some_and(|module| module.contains("importlib") || module == "zipimport"))
}

fn facts(spec: &Bound<'_, PyAny>, loader: &Bound<'_, PyAny>, name: &str) -> ModuleFacts {
    let (origin, loader) = (interpreter::text(spec, "origin"), modules::loader_kind(loader));
    ModuleFacts { name: name.to_owned(), origin, loader, ..ModuleFacts::default() }
}

fn put(loader: &Bound<'_, PyAny>, name: &str, question: Option<Asked>) -> PyResult<()> {
    let patched = PatchedCode {
        loader: loader.clone().unbind(),
        module: name.to_owned(),
        question: Mutex::new(question),
        before: own_get_code(loader),
    };
    loader.setattr("get_code", Bound::new(loader.py(), patched)?)
}

/// Asks for the plan of a module that is to be imported.
fn ask(py: Python<'_>, facts: ModuleFacts) -> Option<Question> {
    Question::ask(py, facts, Phase::Import, reconcile::excluded())
}

/// When a module's plan is asked for.
enum Asked {
    /// When it was found: the answer is on its way.
    Before(Question),
    /// When its code is read.
    Then(ModuleFacts),
}

/// The `get_code` that the loader instance itself has, beside its type's.
fn own_get_code(loader: &Bound<'_, PyAny>) -> Option<Py<PyAny>> {
    let own = loader.getattr("__dict__").ok()?.cast_into::<PyDict>().ok()?;
    own.get_item("get_code").ok().flatten().map(Bound::unbind)
}

/// Stands as `get_code` on one loader instance until it is called for the module.
#[pyclass(frozen, module = "patchctl_hook._native")]
struct PatchedCode {
    loader: Py<PyAny>,
    module: String,
    question: Mutex<Option<Asked>>,
    /// What stood in its place: an archive's loader serves many modules.
    before: Option<Py<PyAny>>,
}

#[pymethods]
impl PatchedCode {
    /// `importlib.abc.InspectLoader.get_code`.
    #[pyo3(signature = (*arguments))]
    fn __call__<'py>(slf: &Bound<'py, Self>, arguments: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let (py, own) = (slf.py(), slf.get());
        let code = own.original(py, arguments)?;
        let asked = arguments.get_item(0).and_then(|name| name.extract::<String>());
        if asked.is_ok_and(|name| name != own.module) || !interpreter::is_code(&code)? {
            return Ok(code);
        }
        // The loader has its own method again: for reloads, `inspect`, pickling.
        let loader = own.loader.bind(py);
        if own_get_code(loader).is_some_and(|current| current.is(slf)) {
            match &own.before {
                Some(before) => loader.setattr("get_code", before).ok(),
                None => loader.delattr("get_code").ok(),
            };
        }
        let patched = fault::contained(|| own.patch(&code)).flatten();
        link::report_soon();
        Ok(patched.unwrap_or(code))
    }
}

impl PatchedCode {
    /// What `get_code` answers without this override.
    fn original<'py>(&self, py: Python<'py>, arguments: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let loader = self.loader.bind(py);
        if let Some(before) = &self.before {
            return before.bind(py).call1(arguments);
        }
        let with_loader = std::iter::once(loader.clone()).chain(arguments.iter());
        let arguments = PyTuple::new(py, with_loader.collect::<Vec<_>>())?;
        loader.get_type().getattr("get_code")?.call1(arguments)
    }

    /// The module's code with its patches in it; `None` if there are none or none in time.
    fn patch<'py>(&self, code: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        let py = code.py();
        let question = match self.question.lock().unwrap_or_else(PoisonError::into_inner).take()? {
            Asked::Before(question) => question,
            Asked::Then(facts) => ask(py, facts)?,
        };
        let answer = question.answer(py, |py| self.source(py))?;
        reconcile::graft(code, &answer).ok().flatten()
    }

    fn source(&self, py: Python<'_>) -> Option<String> {
        self.loader.bind(py).call_method1("get_source", (&self.module,)).ok()?.extract().ok()
    }
}
