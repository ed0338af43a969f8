//! The loaded modules under the names by which patches know them, and what the planner needs to know of
//! each. Looks at namespaces without running any code of theirs.

use crate::interpreter;
use patchctl_protocol::hook::{LoaderKind, ModuleFacts};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

/// Name under which the script or `-m` module is known beside its own.
pub const MAIN: &str = "__main__";

/// The modules that patches know by this name, with the key of each one's record: the module itself, and
/// others that were imported from the same file under other names. What only says that it is from that file (a
/// module made by hand, for names to be looked up in) has run no code: `exec` would have given it builtins.
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
        let ran = || namespace.contains(intern!(py, "__builtins__")).unwrap_or(false);
        let same = || ran() && file(&namespace).is_some_and(|file| file.eq(&own).unwrap_or(false));
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
pub fn facts(name: &str, namespace: &Bound<'_, PyDict>) -> ModuleFacts {
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
    // Some loaders are classes themselves.
    let class = loader.cast::<PyType>().map_or_else(|_| loader.get_type(), Bound::clone);
    let name: String = class.getattr("__name__").and_then(|name| name.extract()).unwrap_or_default();
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
