//! Classes of other modules below those that are made anew: what decorators (`dataclass`) computed from their bases
//! stays as it is.

use super::importers::source_file;
use super::record::Record;
use super::slot::Slot;
use super::texts::Text;
use super::transaction::Stored;
use super::{records, scope};
use crate::interpreter;
use patchctl_protocol::plan::Stale;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// What decorators note of the fields of a class.
const FIELDS: [&str; 2] = ["__dataclass_fields__", "__attrs_attrs__"];

/// Most classes that are looked at.
const MOST: usize = 4096;

/// The decorated classes of other modules below those whose fields a record's module has anew.
///
/// # Errors
/// What asking the classes raises.
pub fn stale(py: Python<'_>, key: &str) -> PyResult<Vec<Stale>> {
    let mut open = records::with(py, key, |record| Some(made_anew(py, record))).unwrap_or_default();
    let own = records::module_of(key);
    let subclasses = py.get_type::<PyType>().getattr(intern!(py, "__subclasses__"))?;
    let mut found = Vec::new();
    for _ in 0..MOST {
        let Some((class, because)) = open.pop() else { break };
        for below in subclasses.call1((&class,))?.try_iter()? {
            let Ok(below) = below?.cast_into::<PyType>() else { continue };
            let decorated = FIELDS.iter().any(|name| scope::attribute(&below, name).is_some());
            let module = interpreter::text(&below, "__module__").unwrap_or_default();
            if decorated && module != own {
                found.extend(told(&below, &module, &because));
            }
            open.push((below, because.clone()));
        }
    }
    Ok(found)
}

/// The classes whose fields a record holds, with their names.
fn made_anew<'py>(py: Python<'py>, record: &Record) -> Vec<(Bound<'py, PyType>, String)> {
    let class = |stored: &Stored| match &stored.slot {
        Slot::Class(class, name) if FIELDS.contains(&name.as_str()) => {
            let label = stored.label.rsplit_once('.').map_or("", |(class, _)| class);
            Some((class.bind(py).cast::<PyType>().ok()?.clone(), label.to_owned()))
        }
        _ => None,
    };
    record.stored.iter().filter_map(class).collect()
}

/// The class, its file, and where it stands there.
fn told(class: &Bound<'_, PyType>, module: &str, because: &str) -> Option<Stale> {
    let name = interpreter::text(class, "__qualname__")?;
    let namespace = interpreter::namespace(class.py(), module).ok().flatten()?;
    let file = source_file(&namespace);
    let own = name.rsplit('.').next().unwrap_or(&name);
    let line = file.as_ref().map_or(0, |file| Text::read(file).class(own));
    Some(Stale { name, line, because: because.to_owned(), file })
}
