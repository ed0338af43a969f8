//! What other modules hold of values that stay behind, and what they computed from those and from changed values
//! when they were imported. Looked for beside a reconcile, not within it: nothing is changed here, and texts are
//! read without the GIL.

use super::texts::{self, Counts, Imported};
use super::{importers, records, scope};
use crate::interpreter;
use patchctl_protocol::plan::Stale;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use std::collections::{HashMap, HashSet};
use std::fs;

/// Most of what is named for one module.
const MOST: usize = 1000;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A value that stays behind: who holds it is stale, too.
    Stale,
    /// A value that changed: who holds it has the new one.
    Changed,
    /// A function or class that answers differently when called.
    Called,
}

/// Where a search begins: a name of a changed module.
pub struct Seed {
    /// Dotted, within the module.
    pub name: String,
    /// The change that it goes back to.
    pub because: String,
    pub sort: Sort,
    /// The module's file, where that is known.
    pub file: Option<String>,
}

/// What is stale in other modules because of a record's module.
pub fn stale(py: Python<'_>, key: &str) -> Vec<Stale> {
    let loaded = interpreter::modules(py).map_or(0, |modules| modules.len());
    let Some(known) = records::seeds(py, key, loaded) else { return Vec::new() };
    let (namespace, seeds) = match known {
        records::Elsewhere::Known(stale) => return stale,
        records::Elsewhere::Unknown(namespace, seeds) => (namespace, seeds),
    };
    let found = match seeds.is_empty() {
        true => Vec::new(),
        false => Search::new(&namespace).map(|search| search.run(&namespace, seeds)).unwrap_or_default(),
    };
    records::note_elsewhere(py, key, loaded, found.clone());
    found
}

/// A name whose value other modules may hold.
struct Giver<'py> {
    namespace: Bound<'py, PyDict>,
    seed: Seed,
}

impl<'py> Giver<'py> {
    /// What its name is bound to.
    fn value(&self) -> Option<Bound<'py, PyAny>> {
        let (path, last) = self.seed.name.rsplit_once('.').unwrap_or(("", &self.seed.name));
        let path: Vec<String> = path.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        scope::lookup(&self.namespace, &path, last)
    }

    /// The module and the packages around it, with what follows their names.
    fn modules(&self) -> Vec<(Bound<'py, PyAny>, String)> {
        let Some(module) = importers::text_of(&self.namespace, "__name__") else { return Vec::new() };
        let Ok(loaded) = interpreter::modules(self.namespace.py()) else { return Vec::new() };
        let ends = module.match_indices('.').map(|(at, _)| at).chain([module.len()]);
        let of = |end: usize| {
            let object = loaded.get_item(&module[..end]).ok().flatten()?;
            Some((object, format!("{}.{}", &module[end..], self.seed.name)))
        };
        ends.filter_map(of).collect()
    }
}

/// The objects whose holders are looked for.
fn objects<'py>(giver: &Giver<'py>) -> Vec<Bound<'py, PyAny>> {
    let value = giver.value().filter(|_| giver.seed.sort != Sort::Changed);
    giver.modules().into_iter().map(|(module, _)| module).chain(value).collect()
}

struct Search<'py> {
    modules: Vec<(String, Bound<'py, PyDict>)>,
    /// Modules (by index) and names, by the address of what they are bound to.
    bound: HashMap<usize, Vec<(usize, String)>>,
    texts: HashMap<usize, (String, Vec<Imported>)>,
    seen: HashSet<(usize, String)>,
    found: Vec<Stale>,
    open: Vec<Giver<'py>>,
}

impl<'py> Search<'py> {
    fn new(own: &Bound<'py, PyDict>) -> PyResult<Self> {
        let mut modules = interpreter::others(own)?;
        let mut known = HashSet::new();
        modules.retain(|(_, namespace)| known.insert(namespace.as_ptr() as usize));
        let (bound, texts, seen) = (HashMap::new(), HashMap::new(), HashSet::new());
        Ok(Self { modules, bound, texts, seen, found: Vec::new(), open: Vec::new() })
    }

    /// Looks for the names that are bound to what some givers stand for, in one pass.
    fn find_bound(&mut self, givers: &[Giver<'py>]) {
        let wanted: HashSet<usize> =
            givers.iter().flat_map(objects).map(|one| one.as_ptr() as usize).collect();
        self.bound.clear();
        for (index, (_, namespace)) in self.modules.iter().enumerate() {
            let held = namespace.iter().filter(|(_, value)| wanted.contains(&(value.as_ptr() as usize)));
            for (key, value) in held {
                if let Ok(key) = key.extract::<String>() {
                    self.bound.entry(value.as_ptr() as usize).or_default().push((index, key));
                }
            }
        }
    }

    fn run(mut self, own: &Bound<'py, PyDict>, seeds: Vec<Seed>) -> Vec<Stale> {
        for seed in seeds {
            let namespace = self.namespace_of(own, seed.file.as_deref());
            self.seen.insert((namespace.as_ptr() as usize, seed.name.clone()));
            self.open.push(Giver { namespace, seed });
        }
        while !self.open.is_empty() && self.found.len() < MOST {
            let givers = std::mem::take(&mut self.open);
            self.find_bound(&givers);
            for giver in &givers {
                match giver.seed.sort {
                    Sort::Stale => self.holders(giver),
                    Sort::Called => self.callers(giver),
                    Sort::Changed => {}
                }
                self.through_modules(giver);
            }
        }
        self.found.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        self.found
    }

    /// The namespace of the module from that file: what a change made stale may be another module's.
    fn namespace_of(&self, own: &Bound<'py, PyDict>, file: Option<&str>) -> Bound<'py, PyDict> {
        let from = |namespace: &Bound<'py, PyDict>| importers::text_of(namespace, "__file__");
        if file.is_none() || from(own).as_deref() == file {
            return own.clone();
        }
        let found = self.modules.iter().find(|(_, namespace)| from(namespace).as_deref() == file);
        found.map_or(own, |(_, namespace)| namespace).clone()
    }

    /// Names of other modules that are bound to the giver's value, and what was computed from them.
    fn holders(&mut self, giver: &Giver<'py>) {
        let name = giver.seed.name.as_str();
        let Some(value) = giver.value() else { return };
        // Definitions are known by their own place.
        if value.is_instance_of::<PyType>() || interpreter::is_function(&value).unwrap_or(true) {
            return;
        }
        let holders = self.bound.get(&(value.as_ptr() as usize)).cloned().unwrap_or_default();
        let by_text = importers::is_shared(&value);
        let module = importers::text_of(&giver.namespace, "__name__").unwrap_or_default();
        for (index, key) in holders {
            let mut told = || importers::takes(&self.text(index).1, (&module, name), &key);
            if by_text && (name.contains('.') || !told()) {
                continue;
            }
            let py = giver.namespace.py();
            let text = &self.text(index).0;
            let line = py.detach(|| texts::mentioned(text, &key)).unwrap_or(0);
            self.note(index, key.clone(), line, &giver.seed.because);
            self.computed(index, &key, &giver.seed);
        }
    }

    /// What other modules computed by calling what they imported.
    fn callers(&mut self, giver: &Giver<'py>) {
        let Some(function) = giver.value() else { return };
        for (index, key) in self.bound.get(&(function.as_ptr() as usize)).cloned().unwrap_or_default() {
            self.computed(index, &key, &giver.seed);
        }
    }

    /// What other modules computed from it as an attribute of its module: `module.NAME`.
    fn through_modules(&mut self, giver: &Giver<'py>) {
        for (module, rest) in giver.modules() {
            for (index, alias) in self.bound.get(&(module.as_ptr() as usize)).cloned().unwrap_or_default() {
                self.computed(index, &format!("{alias}{rest}"), &giver.seed);
            }
        }
    }

    fn computed(&mut self, index: usize, name: &str, seed: &Seed) {
        let py = self.modules[index].1.py();
        let annotations = importers::evaluates_annotations(py);
        let counts = Counts { annotations, calls: seed.sort == Sort::Called };
        let text = &self.text(index).0;
        for (name, line) in py.detach(|| texts::uses(text, name, counts)) {
            self.note(index, name, line, &seed.because);
        }
    }

    fn note(&mut self, index: usize, name: String, line: u32, because: &str) {
        let namespace = self.modules[index].1.clone();
        if !self.seen.insert((namespace.as_ptr() as usize, name.clone())) {
            return;
        }
        let file = importers::text_of(&namespace, "__file__");
        self.found.push(Stale { name: name.clone(), line, because: because.to_owned(), file });
        let seed = Seed { name, because: because.to_owned(), sort: Sort::Stale, file: None };
        self.open.push(Giver { namespace, seed });
    }

    /// A module's text, and what it imports.
    fn text(&mut self, index: usize) -> &(String, Vec<Imported>) {
        let namespace = &self.modules[index].1;
        self.texts.entry(index).or_insert_with(|| {
            let file = importers::source_file(namespace);
            let package = importers::text_of(namespace, "__package__").unwrap_or_default();
            namespace.py().detach(|| {
                let text = file.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
                let imports = texts::from_imports(&text, &package);
                (text, imports)
            })
        })
    }
}
