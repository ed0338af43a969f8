//! The loaded modules as far as patches concern them: which do not run their target, and what the
//! planner needs to know of them. Looks at namespaces without running any code of theirs.

use crate::reconcile::{self, records};
use crate::{desired, finder, interpreter, link, script};
use patchctl_protocol::digest::Digest;
use patchctl_protocol::hook::{Hello, LoaderKind, ModuleFacts};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Modules to plan for.
#[derive(Default)]
pub struct Outdated {
    pub modules: Vec<ModuleFacts>,
    /// Some module with patches is being imported right now.
    pub unfinished: bool,
    /// Modules with patches are to come, and another finder stands before ours.
    pub overtaken: bool,
    pub hello: Hello,
}

/// Name under which the script or `-m` module is known beside its own.
pub const MAIN: &str = "__main__";

/// Modules that were found and will be loaded by a loader which can't be given patched code: they are
/// looked at once they are there. Locked only with the GIL held and never across a call into Python.
static EXPECTED: Mutex<Vec<(String, Instant)>> = Mutex::new(Vec::new());

/// How long a module that was found may take to appear in `sys.modules`; most appear at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// Notes that a module was found and will be loaded.
pub fn expect(_: Python<'_>, name: &str) {
    let until = Instant::now() + PATIENCE;
    EXPECTED.lock().unwrap_or_else(PoisonError::into_inner).push((name.to_owned(), until));
}

/// Whether some module that was found is still to appear.
fn is_expecting(py: Python<'_>) -> bool {
    let mut expected = std::mem::take(&mut *EXPECTED.lock().unwrap_or_else(PoisonError::into_inner));
    let now = Instant::now();
    let appeared = |name: &str| interpreter::namespace(py, name).is_ok_and(|found| found.is_some());
    expected.retain(|(name, until)| *until > now && !appeared(name));
    let any = !expected.is_empty();
    EXPECTED.lock().unwrap_or_else(PoisonError::into_inner).append(&mut expected);
    any
}

/// The loaded modules whose target is not what they run.
pub fn outdated(py: Python<'_>, attached: bool) -> Outdated {
    // Without it, what is imported from here on is left to the live path.
    finder::stand(py).ok();
    let mut found = Outdated { unfinished: is_expecting(py), ..Outdated::default() };
    for name in candidates(py) {
        if let Some(lazy) = interpreter::lazy_module(py, &name) {
            finder::prepare_lazy(&lazy, &name).ok();
        }
        match state(py, &name) {
            Loaded::Outdated(facts) => found.modules.push(facts),
            Loaded::Unfinished => found.unfinished = true,
            Loaded::Current => {}
        }
    }
    found.overtaken = finder::is_overtaken(py) && is_waiting(py);
    if !found.modules.is_empty() {
        found.hello = fresh_hello(py, attached);
    }
    found
}

/// Whether some module with patches is not loaded.
fn is_waiting(py: Python<'_>) -> bool {
    desired::with(|known| known.modules.keys().any(|name| namespace(py, name).is_none()))
}

/// The same, with the sources of the named modules as their loaders give them.
pub fn with_source(py: Python<'_>, attached: bool, names: &[String]) -> Outdated {
    let mut found = outdated(py, attached);
    for facts in found.modules.iter_mut().filter(|facts| names.contains(&facts.name)) {
        facts.source = Some(source(py, &facts.name).unwrap_or_default());
    }
    found
}

/// Who this process is, with `sys.path` as it is now.
pub fn fresh_hello(py: Python<'_>, attached: bool) -> Hello {
    py.import("sys").and_then(|sys| link::hello(&sys, attached)).unwrap_or_default()
}

/// The texts in `sys.path`.
pub fn search_path(sys: &Bound<'_, PyModule>) -> Vec<String> {
    let path = sys.getattr("path").ok().and_then(|path| path.cast_into::<PyList>().ok());
    path.map(|path| path.iter().filter_map(|entry| entry.extract().ok()).collect()).unwrap_or_default()
}

enum Loaded {
    Outdated(ModuleFacts),
    Unfinished,
    Current,
}

/// Names with patches, and names of modules that we changed.
fn candidates(py: Python<'_>) -> Vec<String> {
    let mut names: Vec<String> = desired::with(|known| known.modules.keys().cloned().collect());
    for key in records::keys(py) {
        let name = records::module_of(&key);
        if !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    names
}

fn state(py: Python<'_>, name: &str) -> Loaded {
    let wanted = desired::with(|known| known.modules.get(name).cloned());
    for (key, namespace) in instances(py, name) {
        let known = records::summary(py, &key, &namespace);
        let has = known.as_ref().map(|summary| summary.digest.clone());
        if wanted == has || (wanted.is_none() && known.as_ref().is_none_or(|summary| summary.is_untouched)) {
            continue;
        }
        if interpreter::is_initializing(&namespace) || is_pending_script(py, &namespace) {
            return Loaded::Unfinished;
        }
        return Loaded::Outdated(with_record(facts(name, &namespace), known));
    }
    Loaded::Current
}

/// Whether it is the namespace of the script, and that has still to begin.
fn is_pending_script(py: Python<'_>, namespace: &Bound<'_, PyDict>) -> bool {
    let is_main = || interpreter::namespace(py, MAIN).ok().flatten().is_some_and(|main| main.is(namespace));
    script::is_pending() && is_main() && !reconcile::has_begun(py, namespace)
}

/// What the planner needs to know of a module whose code runs to its end just now.
pub fn running_facts(py: Python<'_>, name: &str) -> Option<ModuleFacts> {
    let namespace = namespace(py, name)?;
    let known = records::summary(py, name, &namespace);
    Some(with_record(facts(name, &namespace), known))
}

fn with_record(mut facts: ModuleFacts, known: Option<records::Summary>) -> ModuleFacts {
    if let Some(summary) = known {
        facts.original = Some(summary.original).filter(|digest| *digest != Digest::default());
        facts.running = summary.base;
    }
    facts
}

/// The modules that patches know by this name, with the key of each one's record: the module itself, and
/// others that were imported from the same file under other names.
pub fn instances<'py>(py: Python<'py>, name: &str) -> Vec<(String, Bound<'py, PyDict>)> {
    let Some(main) = namespace(py, name) else { return Vec::new() };
    let mut found = vec![(name.to_owned(), main.clone())];
    let file = |namespace: &Bound<'py, PyDict>| {
        let file = namespace.get_item(intern!(py, "__file__")).ok().flatten();
        file.filter(|file| file.is_exact_instance_of::<PyString>())
    };
    // A copy: to look at a namespace may switch threads, and another one may import.
    let modules = interpreter::modules(py).and_then(|modules| modules.copy());
    let (Some(own), Ok(modules)) = (file(&main), modules) else { return found };
    for (other, module) in modules.iter() {
        let Ok(other) = other.cast_exact::<PyString>() else { continue };
        let Some(namespace) = interpreter::namespace_of(&module).ok().flatten() else { continue };
        let same = || file(&namespace).is_some_and(|file| file.eq(&own).unwrap_or(false));
        if !found.iter().any(|(_, seen)| seen.is(&namespace)) && same() {
            found.push((format!("{name} (as {other})"), namespace));
        }
    }
    found
}

/// The namespace of the module that patches know by this name: itself, or the script or `-m` module of
/// that name.
pub fn namespace<'py>(py: Python<'py>, name: &str) -> Option<Bound<'py, PyDict>> {
    if let Some(namespace) = interpreter::namespace(py, name).ok().flatten() {
        return Some(namespace);
    }
    let main = interpreter::namespace(py, MAIN).ok().flatten()?;
    (main_name(&main).as_deref() == Some(name)).then_some(main)
}

/// The real name of what runs as `__main__`: the spec's for `python -m`, else the script's stem.
pub fn main_name(main: &Bound<'_, PyDict>) -> Option<String> {
    let get = |key: &str| main.get_item(key).ok().flatten().filter(|value| !value.is_none());
    match get("__spec__") {
        Some(spec) => interpreter::text(&spec, "name"),
        None => {
            let file: String = get("__file__")?.extract().ok()?;
            Some(std::path::Path::new(&file).file_stem()?.to_str()?.to_owned())
        }
    }
}

/// What the planner needs to know of a loaded module.
fn facts(name: &str, namespace: &Bound<'_, PyDict>) -> ModuleFacts {
    let get = |key: &str| namespace.get_item(key).ok().flatten().filter(|value| !value.is_none());
    let spec = get("__spec__");
    let loader = get("__loader__").or_else(|| spec.as_ref()?.getattr("loader").ok());
    let file = get("__file__").and_then(|file| file.extract::<String>().ok());
    let frozen_file = || interpreter::text(&spec.as_ref()?.getattr("loader_state").ok()?, "filename");
    let origin = file.or_else(frozen_file);
    let loader = loader.map_or(LoaderKind::Other, |loader| loader_kind(&loader));
    ModuleFacts { name: name.to_owned(), origin, loader, ..ModuleFacts::default() }
}

/// The sort of code that a loader loads, by its type's name: asking by `isinstance` would import modules.
pub fn loader_kind(loader: &Bound<'_, PyAny>) -> LoaderKind {
    let own = loader.getattr("__name__").ok().filter(|name| name.is_instance_of::<PyString>());
    let name = own.or_else(|| loader.get_type().getattr("__name__").ok());
    let name: String = name.and_then(|name| name.extract().ok()).unwrap_or_default();
    match name.as_str() {
        "SourceFileLoader" | "AssertionRewritingHook" => LoaderKind::Source,
        "SourcelessFileLoader" => LoaderKind::Sourceless,
        "zipimporter" => LoaderKind::Zip,
        "FrozenImporter" => LoaderKind::Frozen,
        "BuiltinImporter" | "ExtensionFileLoader" => LoaderKind::Native,
        _ => LoaderKind::Other,
    }
}

/// The source as the module's loader gives it (`importlib.abc.InspectLoader.get_source`).
pub fn source(py: Python<'_>, name: &str) -> Option<String> {
    let namespace = namespace(py, name)?;
    let own: String = namespace.get_item("__name__").ok()??.extract().ok()?;
    let loader = namespace.get_item("__loader__").ok()??;
    loader.call_method1("get_source", (own,)).ok()?.extract().ok()
}
