//! Starting: off-switches first, then the names of patched modules from the index file, then finder,
//! fork and exit handlers, and the link's thread. Runs once at the start of each process, so each line
//! here is paid for by every Python process of the machine.

use crate::{desired, fault, finder, life, link, place, script};
use patchctl_protocol::index::Index;
use patchctl_protocol::location::Scope;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rustix::process::getuid;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

static STARTED: AtomicBool = AtomicBool::new(false);

/// Longest index that is read, in bytes.
const MAX_INDEX: u64 = 16 << 20;

/// Starts the hook, once. `placeholder` is the entry of `sys.meta_path` whose place the finder takes.
#[pyfunction]
pub fn start(py: Python<'_>, placeholder: Option<Bound<'_, PyAny>>) -> PyResult<()> {
    fault::contained(|| begin(py, placeholder.as_ref(), false)).unwrap_or(Ok(()))
}

/// Starts the hook in a process that runs already; `home` names the daemon's folder.
#[pyfunction]
pub fn attach(py: Python<'_>, home: Option<String>) -> PyResult<()> {
    place::name_home(home);
    begin(py, None, true)
}

fn begin(py: Python<'_>, placeholder: Option<&Bound<'_, PyAny>>, attached: bool) -> PyResult<()> {
    if STARTED.swap(true, Ordering::SeqCst) {
        if attached {
            link::resume();
        }
        return Ok(());
    }
    let sys = py.import("sys")?;
    let ignore: bool = sys.getattr("flags")?.getattr("ignore_environment")?.is_truthy()?;
    place::trust_environment(!ignore);
    read_index();
    finder::install(py, placeholder)?;
    life::register(py)?;
    if !attached {
        // Without it the script is patched as it runs.
        script::expect(&sys).ok();
    }
    link::start(attached, attached || names_loaded_modules(&sys)?)
}

/// Whether a module with patches was loaded before the hook.
fn names_loaded_modules(sys: &Bound<'_, PyModule>) -> PyResult<bool> {
    let modules = sys.getattr("modules")?.cast_into::<PyDict>()?;
    desired::with(|known| {
        known.modules.keys().try_fold(false, |found, name| Ok(found || modules.contains(name)?))
    })
}

/// Takes the names of patched modules from the daemon's index file, instead of waiting for its reply.
fn read_index() {
    for place in place::candidates() {
        if place.off_switch.exists() {
            return;
        }
        let own = (place.scope == Scope::Machine).then(|| place.user_index(getuid().as_raw()));
        if let Some(index) = own.into_iter().chain([place.index()]).find_map(|path| index(&path)) {
            desired::set_names(index.revision, index.modules);
            return;
        }
    }
}

fn index(path: &Path) -> Option<Index> {
    let mut file = File::open(path).ok()?;
    let mut text = String::new();
    let readable =
        place::is_trusted(&file) && file.by_ref().take(MAX_INDEX).read_to_string(&mut text).is_ok();
    readable.then(|| Index::parse(&text)).flatten()
}
