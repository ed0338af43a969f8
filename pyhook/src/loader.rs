//! Loaders of modules with patches: the loader instance's own `get_code` answers with the patched code, once, for
//! one spec.

use crate::ask::Question;
use crate::desired::Interest;
use crate::{expected, fault, interpreter, link, modules, reconcile};
use patchctl_protocol::hook::{LoaderKind, ModuleFacts, Phase};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};
use std::sync::{Mutex, PoisonError};

/// Overrides `get_code` on the spec's loader, or leaves the module to the live path.
pub fn prepare(spec: &Bound<'_, PyAny>, name: &str, interest: Interest) -> PyResult<()> {
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
pub fn ask(py: Python<'_>, facts: ModuleFacts) -> Option<Question> {
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
