//! What other modules hold of values that stay behind, and what they computed from those and from changed values
//! when they were imported: where the search for it begins, and what it found. Looked for beside a reconcile,
//! not within it: nothing is changed here.

use super::record::Record;
use super::search::{Place, Search, Seed, Sort};
use super::slot::Slot;
use super::transaction::Stored;
use super::{below, records};
use crate::interpreter;
use patchctl_protocol::plan::Stale;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::HashMap;

/// What is stale in other modules because of a record's module.
pub fn stale(py: Python<'_>, key: &str) -> Vec<Stale> {
    let loaded = interpreter::modules(py).map_or(0, |modules| modules.len());
    let Some(known) = known(py, key, loaded) else { return Vec::new() };
    let (namespace, seeds) = match known {
        Known::Stale(stale) => return stale,
        Known::Seeds(namespace, seeds) => (namespace, seeds),
    };
    let mut found = match seeds.is_empty() {
        true => Vec::new(),
        false => Search::new(&namespace).map(|search| search.run(&namespace, seeds)).unwrap_or_default(),
    };
    found.extend(below::stale(py, key).unwrap_or_default());
    records::note_elsewhere(py, key, loaded, found.clone());
    found
}

/// What is stale in other modules because of a record's module, or what that goes back to.
enum Known<'py> {
    Stale(Vec<Stale>),
    Seeds(Bound<'py, PyDict>, Vec<Seed<'py>>),
}

/// See [`Known`]: found before where it was noted with as many modules loaded.
fn known<'py>(py: Python<'py>, key: &str, loaded: usize) -> Option<Known<'py>> {
    records::with(py, key, |record| {
        if let Some((_, stale)) = record.elsewhere.as_ref().filter(|(then, _)| *then == loaded) {
            return Some(Known::Stale(stale.clone()));
        }
        let namespace = record.namespace.as_ref()?.bind(py).clone();
        let seeds = stays(record).chain(replaced(record)).chain(new(record)).chain(called(record));
        Some(Known::Seeds(namespace, seeds.chain(imported(py, record)).collect()))
    })
}

/// What stays behind in the module itself.
fn stays<'py>(record: &Record) -> impl Iterator<Item = Seed<'py>> {
    let stays = record.stale.iter().filter(|stale| stale.because != Stale::ANNOTATION);
    stays.map(|stale| Seed {
        name: stale.name.clone(),
        because: stale.because.clone(),
        sort: Sort::Stale,
        place: stale.file.clone().map_or(Place::Own, Place::File),
    })
}

/// The module's own names that are bound to something else.
fn replaced<'py>(record: &Record) -> impl Iterator<Item = Seed<'py>> {
    labelled(record).filter(|stored| stored.before.is_some() && !is_elsewhere(stored)).map(|stored| Seed {
        name: stored.label.clone(),
        because: stored.label.clone(),
        sort: Sort::Changed,
        place: Place::Own,
    })
}

/// The module's own names that it did not have.
fn new<'py>(record: &Record) -> impl Iterator<Item = Seed<'py>> {
    let own = |stored: &&Stored| stored.before.is_none() && !stored.label.contains(['.', ':']);
    labelled(record).filter(own).map(|stored| Seed {
        name: stored.label.clone(),
        because: stored.label.clone(),
        sort: Sort::New,
        place: Place::Own,
    })
}

/// Names in other modules that are bound to what the module's own ones are now.
fn imported<'py>(py: Python<'py>, record: &Record) -> Vec<Seed<'py>> {
    let address = |stored: &Stored| stored.after.as_ref().map(Py::as_ptr);
    let own: HashMap<_, &str> = labelled(record)
        .filter(|stored| !is_elsewhere(stored))
        .map(|stored| (address(stored), stored.label.as_str()))
        .collect();
    let seed = |stored: &Stored| {
        let Slot::Item(namespace, _) = &stored.slot else { return None };
        let (_, name) = stored.label.split_once(':')?;
        Some(Seed {
            name: name.to_owned(),
            because: (*own.get(&address(stored)).unwrap_or(&name)).to_owned(),
            sort: Sort::Changed,
            place: Place::Namespace(namespace.bind(py).cast::<PyDict>().ok()?.clone()),
        })
    };
    labelled(record).filter(|stored| is_elsewhere(stored)).filter_map(seed).collect()
}

fn labelled(record: &Record) -> impl Iterator<Item = &Stored> {
    record.stored.iter().filter(|stored| stored.after.is_some() && !stored.label.is_empty())
}

/// Whether it is a store in another module: `module:name`.
fn is_elsewhere(stored: &Stored) -> bool {
    stored.label.contains(':')
}

/// What answers differently when it is called, and may have been called at the import of another module.
fn called<'py>(record: &Record) -> impl Iterator<Item = Seed<'py>> {
    let came_live = |id: &String| record.live.iter().any(|patch| patch.id == *id);
    let applies = |id: &String| record.applied.iter().any(|patch| patch.id == *id);
    let came = record.affected.iter().filter(move |affected| affected.patches.iter().any(came_live));
    let went = record.begun_affected.iter().filter(move |affected| !affected.patches.iter().any(applies));
    came.chain(went).filter_map(|affected| {
        let mut made = ["__init__", "__new__", "__post_init__"].iter();
        let class = made.find_map(|maker| affected.name.strip_suffix(maker)?.strip_suffix('.'));
        let name = class.unwrap_or(&affected.name);
        let because = affected.because.clone();
        let seed = Seed { name: name.to_owned(), because, sort: Sort::Called, place: Place::Own };
        (!name.contains('.')).then_some(seed)
    })
}
