//! Caches of functions (`functools.lru_cache`, `functools.cache`): what they hold was computed before a change
//! and is answered after it. They are cleared where a patch asks for it, else named as stale. Values that
//! `functools.cached_property` left in instances are named only: they may be connections, locks and the like,
//! which nobody can take away from under the application.

use super::named::{self, Chain};
use super::records::Record;
use crate::interpreter;
use patchctl_protocol::plan::{Affected, FunctionChange, Plan, Stale};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyType};
use std::collections::HashSet;

/// A cache that was not cleared.
pub struct CacheRecord {
    pub cache: Py<PyAny>,
    /// Its calls (hits and misses) when the change came: they count from 0 again once somebody clears it.
    pub calls: u64,
    pub stale: Stale,
    pub patches: Vec<String>,
}

impl CacheRecord {
    /// Another handle on the same.
    pub fn again(&self, py: Python<'_>) -> Self {
        Self {
            cache: self.cache.clone_ref(py),
            calls: self.calls,
            stale: self.stale.clone(),
            patches: self.patches.clone(),
        }
    }

    /// Whether it may still hold values from before the change.
    pub fn is_stale(&self, py: Python<'_>) -> bool {
        let (calls, size) = counts(self.cache.bind(py)).unwrap_or_default();
        size > 0 && calls >= self.calls
    }
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
        for (affected, clear) in &touched {
            of_function(&namespace, &chains, affected, *clear, record).ok();
        }
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

fn of_function(
    namespace: &Bound<'_, PyDict>,
    chains: &[Chain<'_>],
    affected: &Affected,
    clear: bool,
    record: &mut Record,
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
        if let Some((class, name)) = &chain.in_instances
            && holding(class, name)?
        {
            record.stale.push(stale(&chain.name));
        }
    }
    if clear {
        for cache in everywhere(&function)? {
            cache.call_method0("cache_clear")?;
        }
    }
    Ok(())
}

/// Calls and entries by `cache_info()`.
fn counts(cache: &Bound<'_, PyAny>) -> PyResult<(u64, u64)> {
    let info = cache.call_method0("cache_info")?;
    let (hits, misses): (u64, u64) = (info.get_item(0)?.extract()?, info.get_item(1)?.extract()?);
    Ok((hits + misses, info.get_item(3)?.extract()?))
}

/// All caches of a function, wherever they are held, and those of wrappers that were made for them.
fn everywhere<'py>(function: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let referrers = interpreter::referrers(function.py(), std::slice::from_ref(function))?;
    Ok(referrers.iter().filter(named::is_cache).collect())
}

/// Whether some instance of a class, or of those that inherit from it, holds a value under a name.
fn holding(class: &Bound<'_, PyType>, name: &str) -> PyResult<bool> {
    let py = class.py();
    let subclasses = py.get_type::<PyType>().getattr("__subclasses__")?;
    let read = py.get_type::<PyAny>().getattr("__getattribute__")?;
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
    for object in interpreter::referrers(py, &classes)?.iter() {
        if classes.iter().any(|class| object.get_type().is(class))
            && let Ok(values) = read.call1((&object, "__dict__"))
            && values.cast::<PyDict>().is_ok_and(|values| values.contains(name).unwrap_or(false))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether `functools` is there, without which there are no caches of its making.
pub fn functools<'py>(py: Python<'py>) -> Option<Bound<'py, PyDict>> {
    interpreter::namespace(py, "functools").ok().flatten()
}
