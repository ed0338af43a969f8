//! Who imported a name from a module: read from the texts of the other modules, which know it, where values
//! (texts, numbers, what a module itself imported) say nothing about where they are from.

use super::others::Others;
use super::texts::{self, Imported};
use super::{exports, identity, records, scope};
use crate::modules;
use patchctl_protocol::hook::{ModulePlan, Outcome};
use patchctl_protocol::plan::{Step, StepKind};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// The text of a module: its file, and the package that its relative imports start from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Origin {
    file: String,
    package: String,
}

impl Origin {
    fn of(namespace: &Bound<'_, PyDict>) -> Option<Self> {
        let package = scope::text(namespace, "__package__").unwrap_or_default();
        Some(Self { file: source_file(namespace)?, package })
    }

    fn imports(&self) -> Vec<Imported> {
        texts::imports(&self.file, &self.package)
    }
}

/// What other modules import, as far as a change asks for it.
#[derive(Default)]
pub struct Imports(HashMap<Origin, Vec<Imported>>);

impl Imports {
    /// Reads, with the GIL released, the texts that these plans will ask for: nobody waits for it then.
    pub fn read_ahead(py: Python<'_>, plans: &[ModulePlan]) -> Self {
        let mut wanted: HashMap<Origin, HashSet<String>> = HashMap::new();
        for plan in plans {
            let Outcome::Plan(content) = &plan.outcome else { continue };
            let names: Vec<(&Step, &String)> = replaced(&content.steps).collect();
            let exported = exports::may_export(&content.steps);
            if names.is_empty() && exported.is_empty() {
                continue;
            }
            for (key, namespace) in modules::instances(py, &plan.name) {
                note_wanted(&key, &namespace, &names, &mut wanted).ok();
                if !exported.is_empty() {
                    for (_, other) in exports::sharing(&namespace, &[]).unwrap_or_default() {
                        if let Some(origin) = Origin::of(&other) {
                            wanted.entry(origin).or_default().extend(exported.iter().cloned());
                        }
                    }
                }
            }
        }
        let read = |(origin, names): (Origin, HashSet<String>)| {
            let mut imports = origin.imports();
            imports.retain(|one| one.name == "*" || names.contains(&one.alias));
            (origin, imports)
        };
        Self(py.detach(|| wanted.into_iter().map(read).collect()))
    }

    /// What the module with this namespace imports.
    pub fn of(&self, namespace: &Bound<'_, PyDict>) -> Cow<'_, [Imported]> {
        let Some(origin) = Origin::of(namespace) else { return Cow::Borrowed(&[]) };
        self.0
            .get(&origin)
            .map_or_else(|| Cow::Owned(origin.imports()), |known| Cow::Borrowed(known.as_slice()))
    }
}

/// The names of a module that its steps bind to something else.
pub fn replaced(steps: &[Step]) -> impl Iterator<Item = (&Step, &String)> {
    let steps = steps.iter().filter(|step| step.replaces && step.scope.is_empty());
    steps.flat_map(|step| step.binds.iter().map(move |name| (step, name)))
}

/// Notes whose texts are asked for when these names get something else.
fn note_wanted(
    key: &str,
    namespace: &Bound<'_, PyDict>,
    names: &[(&Step, &String)],
    wanted: &mut HashMap<Origin, HashSet<String>>,
) -> PyResult<()> {
    let mut values = Vec::new();
    for (step, name) in names {
        let now = namespace.get_item(name)?;
        // What an earlier patch bound is taken back first.
        let base = records::before(key, namespace, name).flatten();
        let both = now.into_iter().chain(base).filter(|value| is_told_by_texts(step, value));
        values.extend(both.map(|value| (name.as_str(), value)));
    }
    if values.is_empty() {
        return Ok(());
    }
    let mut others = Others::of(namespace)?;
    others.seek(values.iter().map(|(_, value)| value).filter(|value| !identity::is_common(value)));
    for (name, value) in &values {
        for (index, alias) in candidates(&mut others, name, value) {
            if let Some(origin) = Origin::of(&others.modules[index].1) {
                wanted.entry(origin).or_default().insert(alias);
            }
        }
    }
    Ok(())
}

/// Whether only texts tell who has this value of a step's name from where.
pub fn is_told_by_texts(step: &Step, value: &Bound<'_, PyAny>) -> bool {
    step.kind == StepKind::ChangedImport || identity::is_shared(value)
}

/// The names in other modules that are bound to `before` because they were imported, directly or by way of
/// others, as `name` from the module of that name: by the index of the other module.
pub fn importers<'py>(
    others: &mut Others<'py>,
    imports: &Imports,
    (module, name): (&str, &str),
    before: &Bound<'py, PyAny>,
) -> Vec<(usize, String)> {
    let mut takers: HashMap<(String, String), Vec<(usize, String)>> = HashMap::new();
    for (index, alias) in candidates(others, name, before) {
        for one in imports.of(&others.modules[index].1).iter() {
            if let Some(given) = given(one, &alias) {
                let giver = (one.module.clone(), given.to_owned());
                takers.entry(giver).or_default().push((index, alias.clone()));
            }
        }
    }
    let mut givers = vec![(module.to_owned(), name.to_owned())];
    let mut seen: HashSet<(String, String)> = givers.iter().cloned().collect();
    let mut found = Vec::new();
    let mut next = 0;
    while let Some(giver) = givers.get(next) {
        next += 1;
        for (index, alias) in takers.remove(giver).unwrap_or_default() {
            let taker = (others.modules[index].0.clone(), alias.clone());
            if seen.insert(taker.clone()) {
                givers.push(taker);
                found.push((index, alias));
            }
        }
    }
    found
}

/// Whether imports bind the alias to what a module (first) has under a name.
pub fn takes(imports: &[Imported], (giver, name): (&str, &str), alias: &str) -> bool {
    imports.iter().any(|one| one.module == giver && given(one, alias) == Some(name))
}

/// What an import binds an alias to, of the names of the other module.
fn given<'a>(import: &'a Imported, alias: &'a str) -> Option<&'a str> {
    match import.name.as_str() {
        "*" => Some(alias),
        name => (import.alias == alias).then_some(name),
    }
}

/// The names in other modules that are bound to the object; where it is one that many share, only the same name.
fn candidates<'py>(others: &mut Others<'py>, name: &str, object: &Bound<'py, PyAny>) -> Vec<(usize, String)> {
    if identity::is_common(object) { others.bound_as(name, object) } else { others.bound(object) }
}

/// Whether annotations are computed when a function is defined, and not when asked for (PEP 649).
pub fn evaluates_annotations(py: Python<'_>) -> bool {
    py.version_info() < (3, 14)
}

/// The file of a module's text.
pub fn source_file(namespace: &Bound<'_, PyDict>) -> Option<String> {
    scope::text(namespace, "__file__").filter(|file| file.ends_with(".py"))
}
