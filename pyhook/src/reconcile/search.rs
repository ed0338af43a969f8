//! Looking through other modules for what holds, or was computed from, some names: by what their names are
//! bound to, and by their texts, which are read without the GIL, one at a time.

use super::importers::{source_file, takes};
use super::others::Others;
use super::texts::{Counts, Imported, Text};
use super::{identity, importers, scope};
use crate::interpreter;
use patchctl_protocol::plan::Stale;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Most of what is named for one module.
const MOST: usize = 1000;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A value that stays behind: who holds it is stale, too.
    Stale,
    /// A value that changed: who holds it has the new one.
    Changed,
    /// A name that is new: nobody holds it, and who looks through the module's namespace would have found it.
    New,
    /// A function or class that answers differently when called.
    Called,
}

/// Of which module a name is.
pub enum Place<'py> {
    /// The one that changed.
    Own,
    /// The one from that file.
    File(String),
    /// The one with that namespace.
    Namespace(Bound<'py, PyDict>),
}

/// Where a search begins: a name of a module.
pub struct Seed<'py> {
    /// Dotted, within the module.
    pub name: String,
    /// The change that it goes back to.
    pub because: String,
    pub sort: Sort,
    pub place: Place<'py>,
}

/// A name whose value other modules may hold.
struct Giver<'py> {
    namespace: Bound<'py, PyDict>,
    name: String,
    because: String,
    sort: Sort,
}

impl<'py> Giver<'py> {
    /// What its name is bound to.
    fn value(&self) -> Option<Bound<'py, PyAny>> {
        let (path, last) = self.name.rsplit_once('.').unwrap_or(("", &self.name));
        let path: Vec<String> = path.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        scope::lookup(&self.namespace, &path, last)
    }

    /// The module and the packages around it, with its name as they lead to it.
    fn modules(&self) -> Vec<(Bound<'py, PyAny>, String)> {
        let Some(module) = scope::text(&self.namespace, "__name__") else { return Vec::new() };
        let Ok(loaded) = interpreter::modules(self.namespace.py()) else { return Vec::new() };
        let around = module.match_indices('.').map(|(at, _)| at).filter(|_| self.sort != Sort::New);
        let ends = around.chain([module.len()]);
        let of = |end: usize| {
            let object = loaded.get_item(&module[..end]).ok().flatten()?;
            let inner = module[end..].strip_prefix('.').map(|inner| format!("{inner}.")).unwrap_or_default();
            Some((object, format!("{inner}{}", self.name)))
        };
        ends.filter_map(of).collect()
    }
}

/// What to ask a text.
enum Question {
    /// Whether a name is bound to what a giver stands for, and what is computed from it. Where texts alone tell
    /// that, it must be imported from this module under this name.
    Holds { giver: usize, name: String, from: Option<(String, String)> },
    /// What is computed from a name.
    Computes { giver: usize, name: String },
    /// What is computed from attributes of a module: its alias, and the address of the module.
    Leads { alias: String, module: usize },
}

/// The givers (by index) by how modules lead to them: what follows a module's name and a dot.
type Ways = HashMap<usize, HashMap<String, Vec<usize>>>;

/// Something stale: the giver that it goes back to, its name, and its line.
type Answer = (usize, String, u32);

pub struct Search<'py> {
    others: Others<'py>,
    /// The others by the address of their namespaces.
    indices: HashMap<usize, usize>,
    seen: HashSet<(usize, String)>,
    found: Vec<Stale>,
    open: Vec<Giver<'py>>,
}

impl<'py> Search<'py> {
    /// A search from a module's namespace.
    ///
    /// # Errors
    /// What looking through `sys.modules` raises.
    pub fn new(own: &Bound<'py, PyDict>) -> PyResult<Self> {
        let mut others = Others::of(own)?;
        let mut known = HashSet::new();
        others.modules.retain(|(_, namespace)| known.insert(namespace.as_ptr() as usize));
        let numbered = others.modules.iter().enumerate();
        let indices = numbered.map(|(index, (_, namespace))| (namespace.as_ptr() as usize, index)).collect();
        Ok(Self { others, indices, seen: HashSet::new(), found: Vec::new(), open: Vec::new() })
    }

    /// What is stale in the other modules.
    pub fn run(mut self, own: &Bound<'py, PyDict>, seeds: Vec<Seed<'py>>) -> Vec<Stale> {
        for Seed { name, because, sort, place } in seeds {
            let namespace = match place {
                Place::Own => own.clone(),
                Place::File(file) => self.namespace_of(own, &file),
                Place::Namespace(namespace) => namespace,
            };
            self.seen.insert((namespace.as_ptr() as usize, name.clone()));
            self.open.push(Giver { namespace, name, because, sort });
        }
        while !self.open.is_empty() && self.found.len() < MOST {
            let givers = std::mem::take(&mut self.open);
            for (index, answers) in self.ask(own.py(), &givers) {
                for (giver, name, line) in answers {
                    self.note(index, name, line, &givers[giver].because);
                }
            }
        }
        self.found.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        self.found
    }

    /// The namespace of the module from that file: what a change made stale may be another module's.
    fn namespace_of(&self, own: &Bound<'py, PyDict>, file: &str) -> Bound<'py, PyDict> {
        let is_from =
            |namespace: &Bound<'py, PyDict>| scope::text(namespace, "__file__").as_deref() == Some(file);
        if is_from(own) {
            return own.clone();
        }
        let found = self.others.modules.iter().find(|(_, namespace)| is_from(namespace));
        found.map_or(own, |(_, namespace)| namespace).clone()
    }

    /// What the texts of the other modules answer, by their index.
    fn ask(&mut self, py: Python<'py>, givers: &[Giver<'py>]) -> Vec<(usize, Vec<Answer>)> {
        let mut questions: BTreeMap<usize, Vec<Question>> = BTreeMap::new();
        let ways = self.gather(givers, &mut questions);
        let sorts: Vec<Sort> = givers.iter().map(|giver| giver.sort).collect();
        let annotations = importers::evaluates_annotations(py);
        let read = |(index, questions): (usize, Vec<Question>)| {
            let namespace = &self.others.modules[index].1;
            let file = source_file(namespace)?;
            Some((index, file, scope::text(namespace, "__package__").unwrap_or_default(), questions))
        };
        let texts: Vec<_> = questions.into_iter().filter_map(read).collect();
        py.detach(|| {
            let answer = |(index, file, package, questions): (usize, String, String, Vec<Question>)| {
                let text = Text::read(&file);
                let imports = text.imports(&package);
                let inquiry = Inquiry { text, imports, ways: &ways, sorts: &sorts, annotations };
                (index, questions.iter().flat_map(|question| inquiry.answer(question)).collect())
            };
            texts.into_iter().map(answer).collect()
        })
    }

    /// The questions to the texts of the other modules, in one pass over their names.
    fn gather(&mut self, givers: &[Giver<'py>], questions: &mut BTreeMap<usize, Vec<Question>>) -> Ways {
        let values: Vec<_> = givers
            .iter()
            .map(|giver| giver.value().filter(|_| !matches!(giver.sort, Sort::Changed | Sort::New)))
            .collect();
        let mut ways = Ways::new();
        let mut modules = HashMap::new();
        for (number, giver) in givers.iter().enumerate() {
            for (module, way) in giver.modules() {
                let address = module.as_ptr() as usize;
                ways.entry(address).or_default().entry(way).or_default().push(number);
                modules.insert(address, module);
            }
        }
        self.others.seek(values.iter().flatten().chain(modules.values()));
        for (number, (giver, value)) in givers.iter().zip(&values).enumerate() {
            self.gather_of((number, giver), value.as_ref(), questions);
        }
        for (address, module) in &modules {
            for (index, alias) in self.others.bound(module) {
                questions.entry(index).or_default().push(Question::Leads { alias, module: *address });
            }
        }
        ways
    }

    /// The questions after one giver's value.
    fn gather_of(
        &mut self,
        (giver, of): (usize, &Giver<'py>),
        value: Option<&Bound<'py, PyAny>>,
        questions: &mut BTreeMap<usize, Vec<Question>>,
    ) {
        let own = self.indices.get(&(of.namespace.as_ptr() as usize));
        if let Some(own) = own.filter(|_| of.sort != Sort::Called) {
            questions.entry(*own).or_default().push(Question::Computes { giver, name: of.name.clone() });
        }
        let Some(value) = value else { return };
        // Definitions are known by their own place.
        let is_definition =
            value.is_instance_of::<PyType>() || interpreter::is_function(value).unwrap_or(true);
        let by_text = identity::is_shared(value);
        if of.sort == Sort::Stale && (is_definition || by_text && of.name.contains('.')) {
            return;
        }
        let module = scope::text(&of.namespace, "__name__").unwrap_or_default();
        for (index, name) in self.others.bound(value) {
            let from = by_text.then(|| (module.clone(), of.name.clone()));
            questions.entry(index).or_default().push(match of.sort {
                Sort::Stale => Question::Holds { giver, name, from },
                _ => Question::Computes { giver, name },
            });
        }
    }

    fn note(&mut self, index: usize, name: String, line: u32, because: &str) {
        let namespace = self.others.modules[index].1.clone();
        if !self.seen.insert((namespace.as_ptr() as usize, name.clone())) {
            return;
        }
        let file = scope::text(&namespace, "__file__");
        self.found.push(Stale { name: name.clone(), line, because: because.to_owned(), file });
        self.open.push(Giver { namespace, name, because: because.to_owned(), sort: Sort::Stale });
    }
}

/// One text, and what answers to questions need.
struct Inquiry<'a> {
    text: Text,
    imports: Vec<Imported>,
    ways: &'a Ways,
    sorts: &'a [Sort],
    annotations: bool,
}

impl Inquiry<'_> {
    fn answer(&self, question: &Question) -> Vec<Answer> {
        match question {
            Question::Computes { giver, name } => self.computed(*giver, name),
            Question::Holds { giver, name, from } => {
                let told = |(module, given): &(String, String)| takes(&self.imports, (module, given), name);
                if !from.as_ref().is_none_or(told) {
                    return Vec::new();
                }
                let mut found = vec![(*giver, name.clone(), self.text.mentioned(name))];
                found.extend(self.computed(*giver, name));
                found
            }
            Question::Leads { alias, module } => self.led_to(alias, *module),
        }
    }

    fn computed(&self, giver: usize, name: &str) -> Vec<Answer> {
        let counts = Counts { annotations: self.annotations, calls: self.sorts[giver] == Sort::Called };
        let found = self.text.uses(name, counts).into_iter();
        found.map(|(name, line)| (giver, name, line)).collect()
    }

    /// What is computed from `alias.NAME`.
    fn led_to(&self, alias: &str, module: usize) -> Vec<Answer> {
        let Some(ways) = self.ways.get(&module) else { return Vec::new() };
        let mut found = Vec::new();
        if let Some(new) = ways.values().flatten().find(|giver| self.sorts[**giver] == Sort::New) {
            found.extend(self.computed(*new, &format!("{alias}.__dict__")));
        }
        for way in self.text.attributes(alias) {
            for giver in ways.get(way).into_iter().flatten() {
                found.extend(self.computed(*giver, &format!("{alias}.{way}")));
            }
        }
        found
    }
}
