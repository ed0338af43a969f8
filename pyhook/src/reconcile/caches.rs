//! Caches of functions (`functools.lru_cache`, `functools.cache`): what they hold was computed before a change
//! and is answered after it. They are cleared where a patch asks for it, else named as stale. Values that
//! `functools.cached_property` left in instances are named only: they may be connections, locks and the like,
//! which nobody can take away from under the application.

use super::named::{self, Chain};
use super::record::{CacheRecord, Record};
use crate::interpreter;
use patchctl_protocol::plan::{Affected, FunctionChange, Plan, Stale};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyType};
use std::collections::HashSet;

/// Whether a cache may still hold values from before the change.
pub fn is_stale(py: Python<'_>, cache: &CacheRecord) -> bool {
    let (calls, size) = counts(cache.cache.bind(py)).unwrap_or_default();
    size > 0 && calls >= cache.calls
}

/// The functions that a plan affects, those that only its edits change among them.
pub fn affected(plan: &Plan) -> Vec<Affected> {
    let name = |change: &FunctionChange| {
        [change.scope.as_slice(), std::slice::from_ref(&change.name)].concat().join(".")
    };
    let known: HashSet<&str> = plan.affected.iter().map(|affected| affected.name.as_str()).collect();
    let others = plan.functions.iter().filter(|change| !known.contains(name(change).as_str()));
    let others = others.map(|change| Affected {
        name: name(change),
        line: change.new_line,
        because: change.qualname.clone(),
        patches: change.patches.clone(),
    });
    plan.affected.iter().cloned().chain(others).collect()
}

/// Clears or notes the caches that a change of a module made stale, once all its functions have their code.
pub fn settle(py: Python<'_>, before: Option<&Record>, record: &mut Record) {
    let touched = touched(before, record);
    let Some(namespace) = record.namespace.as_ref().map(|namespace| namespace.bind(py).clone()) else {
        return;
    };
    let kept = before.into_iter().flat_map(|before| &before.caches);
    let untouched = |cache: &&CacheRecord| !touched.iter().any(|(one, _)| one.name == cache.stale.name);
    record.caches = kept.filter(untouched).map(|cache| cache.again(py)).collect();
    if !touched.is_empty()
        && let Some(chains) = named::chains(&namespace)
    {
        let mut sought = Sought::default();
        for (affected, clear) in &touched {
            of_function(&namespace, &chains, affected, *clear, record, &mut sought).ok();
        }
        sought.find(py, record).ok();
    }
    // Without a patch there is nobody to whom later changes could be compared.
    if record.applied.is_empty() {
        record.affected.clear();
        record.caches.clear();
    }
}

/// The functions that answer differently than before, and whether their caches are to be cleared.
fn touched(before: Option<&Record>, record: &Record) -> Vec<(Affected, bool)> {
    let nothing = Record::default();
    let before = before.unwrap_or(&nothing);
    let of = |record: &Record, id: &String| record.applied.iter().find(|patch| patch.id == *id).cloned();
    let rebased = before.base.is_some() && before.applied != record.applied;
    let is_same = |ids: &[String]| match ids {
        [] => before.applied == record.applied,
        ids => ids.iter().all(|id| of(before, id) == of(record, id)),
    };
    let clears = |ids: &[String]| {
        let mut manners = before.manners.iter().chain(&record.manners).filter(|manner| manner.clear_caches);
        manners.any(|manner| ids.is_empty() || rebased || ids.contains(&manner.patch))
    };
    let mut seen = HashSet::new();
    let all = record.affected.iter().chain(&before.affected);
    all.filter(|affected| rebased || !is_same(&affected.patches))
        .filter(|affected| seen.insert(affected.name.clone()))
        .map(|affected| (affected.clone(), clears(&affected.patches)))
        .collect()
}

/// What the collector's objects are passed over for: once for all functions, since the application waits.
#[derive(Default)]
struct Sought<'py> {
    /// Functions whose caches are to be cleared.
    functions: Vec<Bound<'py, PyAny>>,
    /// Properties whose values may lie in instances, by class and name.
    properties: Vec<(Bound<'py, PyType>, String, Stale)>,
}

fn of_function<'py>(
    namespace: &Bound<'py, PyDict>,
    chains: &[Chain<'py>],
    affected: &Affected,
    clear: bool,
    record: &mut Record,
    sought: &mut Sought<'py>,
) -> PyResult<()> {
    let own = chains.iter().find(|chain| chain.name == affected.name);
    let Some(function) = own.and_then(|chain| chain.function.clone()) else { return Ok(()) };
    let same = |chain: &&Chain<'_>| chain.function.as_ref().is_some_and(|other| other.is(&function));
    let file = namespace.get_item("__file__")?.and_then(|file| file.extract().ok());
    let stale = |name: &str| Stale {
        name: name.to_owned(),
        line: affected.line,
        because: affected.because.clone(),
        file: Option::clone(&file),
    };
    for chain in chains.iter().filter(same) {
        for cache in chain.caches.iter().filter(|_| !clear) {
            let (calls, size) = counts(cache)?;
            if size > 0 {
                record.caches.push(CacheRecord {
                    cache: cache.clone().unbind(),
                    calls,
                    stale: stale(&chain.name),
                    patches: affected.patches.clone(),
                });
            }
        }
        if let Some((class, name)) = &chain.in_instances {
            sought.properties.push((class.clone(), name.clone(), stale(&chain.name)));
        }
    }
    if clear {
        sought.functions.push(function);
    }
    Ok(())
}

impl<'py> Sought<'py> {
    /// Clears the caches of the functions, wherever they are held, and those of wrappers that were made for them;
    /// notes the properties of which some instance holds a value.
    fn find(self, py: Python<'py>, record: &mut Record) -> PyResult<()> {
        let families: Vec<_> =
            self.properties.iter().map(|(class, ..)| family(class)).collect::<PyResult<_>>()?;
        let classes = families.iter().flatten().cloned();
        let targets: Vec<_> = self.functions.iter().cloned().chain(classes).collect();
        if targets.is_empty() {
            return Ok(());
        }
        let referents = py.import("gc")?.getattr("get_referents")?;
        let read = py.get_type::<PyAny>().getattr("__getattribute__")?;
        let mut held = vec![false; families.len()];
        for object in interpreter::referrers(py, &targets)?.iter() {
            if named::is_cache(&object) {
                // Another one may hold a class.
                let held = referents.call1((&object,))?.cast_into::<PyList>()?;
                if held.iter().any(|held| self.functions.iter().any(|function| function.is(&held))) {
                    object.call_method0("cache_clear")?;
                }
                continue;
            }
            let kind = object.get_type();
            for (number, (_, name, _)) in self.properties.iter().enumerate() {
                if !held[number] && families[number].iter().any(|class| kind.is(class)) {
                    let values = read.call1((&object, "__dict__")).ok();
                    let values = values.and_then(|values| values.cast_into::<PyDict>().ok());
                    held[number] = values.is_some_and(|values| values.contains(name).unwrap_or(false));
                }
            }
        }
        let found = self.properties.into_iter().zip(held).filter(|(_, held)| *held);
        record.stale.extend(found.map(|((.., stale), _)| stale));
        Ok(())
    }
}

/// Calls and entries by `cache_info()`.
fn counts(cache: &Bound<'_, PyAny>) -> PyResult<(u64, u64)> {
    let info = cache.call_method0("cache_info")?;
    let (hits, misses): (u64, u64) = (info.get_item(0)?.extract()?, info.get_item(1)?.extract()?);
    Ok((hits + misses, info.get_item(3)?.extract()?))
}

/// A class and those that inherit from it.
fn family<'py>(class: &Bound<'py, PyType>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let subclasses = class.py().get_type::<PyType>().getattr("__subclasses__")?;
    let mut classes = vec![class.clone().into_any()];
    let mut next = 0;
    while let Some(class) = classes.get(next) {
        for inner in subclasses.call1((class,))?.cast_into::<PyList>()?.iter() {
            if !classes.iter().any(|known| known.is(&inner)) {
                classes.push(inner);
            }
        }
        next += 1;
    }
    Ok(classes)
}
