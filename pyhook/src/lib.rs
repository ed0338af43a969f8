//! The hook inside one Python process: it asks the local daemon which modules have patches, brings
//! modules from what they run to their target as they load or later, and tells what is true here.
//!
//! [`start`] installs everything; [`finder`] sees imports, [`script`] what runs as `__main__`; [`link`] is the
//! one native thread, which waits for the daemon's pushes; [`reconcile`] changes the process; [`life`] lives
//! through fork and exit.
//! Everything here runs in someone's production: no panic leaves it, nothing is printed, every wait has a
//! deadline.

mod ask;
mod desired;
mod expected;
mod fault;
mod finder;
mod hello;
mod interpreter;
mod life;
mod link;
mod loader;
mod modules;
mod outdated;
mod place;
mod reconcile;
mod script;
mod start;

use pyo3::prelude::*;
use pyo3::types::PyList;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Found, not missed: PyO3 answers a missing attribute by making its type of exceptions, at each start.
    module.setattr("__all__", PyList::empty(module.py()))?;
    module.add_function(wrap_pyfunction!(start::start, module)?)?;
    module.add_function(wrap_pyfunction!(start::attach, module)?)?;
    module.add_function(wrap_pyfunction!(reconcile::examine, module)?)
}
