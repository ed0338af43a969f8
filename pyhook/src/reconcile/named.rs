//! What the names of a module and of its classes lead to: through wrappers of the interpreter's own making,
//! caches among them, to a plain function. Runs no code of the application.

use super::scope;
use crate::interpreter;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

/// From a name to a function.
pub struct Chain<'py> {
    /// Dotted, within the module.
    pub name: String,
    /// The caches on the way, outermost first.
    pub caches: Vec<Bound<'py, PyAny>>,
    /// Of a `cached_property`: the class, and the name under which instances keep the value.
    pub in_instances: Option<(Bound<'py, PyType>, String)>,
    pub function: Option<Bound<'py, PyAny>>,
    /// Everything on the way, that function included.
    pub stages: Vec<Bound<'py, PyAny>>,
}

/// Nested deeper, classes are passed over.
const DEEPEST: usize = 8;
/// Most wrappers around a function.
const LONGEST: usize = 20;

/// The chains of all names; `None` where there can be no cache.
pub fn chains<'py>(namespace: &Bound<'py, PyDict>) -> Option<Vec<Chain<'py>>> {
    functools(namespace.py())?;
    Some(all(namespace))
}

/// Whether `functools` is there, without which there are no caches of its making.
fn functools<'py>(py: Python<'py>) -> Option<Bound<'py, PyDict>> {
    interpreter::namespace(py, "functools").ok().flatten()
}

fn all<'py>(namespace: &Bound<'py, PyDict>) -> Vec<Chain<'py>> {
    let mut found = Vec::new();
    let Some(module) = namespace.get_item("__name__").ok().flatten() else { return found };
    let mut seen = Vec::new();
    for (name, value) in namespace.items().iter().filter_map(|pair| pair.extract::<(String, _)>().ok()) {
        collect(&module, None, name, value, &mut seen, &mut found);
    }
    found
}

fn collect<'py>(
    module: &Bound<'py, PyAny>,
    class: Option<&Bound<'py, PyType>>,
    name: String,
    value: Bound<'py, PyAny>,
    seen: &mut Vec<Bound<'py, PyType>>,
    found: &mut Vec<Chain<'py>>,
) {
    let value = match value.cast_into::<PyType>() {
        Ok(inner) => {
            let own = scope::attribute(&inner, "__module__");
            let is_own =
                own.is_some_and(|own| own.is_instance_of::<PyString>() && own.eq(module).unwrap_or(false));
            if is_own && name.matches('.').count() < DEEPEST && !seen.iter().any(|known| known.is(&inner)) {
                seen.push(inner.clone());
                for key in scope::names(&inner) {
                    let Some(value) = scope::attribute(&inner, &key) else { continue };
                    collect(module, Some(&inner), format!("{name}.{key}"), value, seen, found);
                }
            }
            return;
        }
        Err(error) => error.into_inner(),
    };
    found.extend(chain(class, name, value));
}

fn chain<'py>(
    class: Option<&Bound<'py, PyType>>,
    name: String,
    mut value: Bound<'py, PyAny>,
) -> Option<Chain<'py>> {
    let mut chain =
        Chain { name, caches: Vec::new(), in_instances: None, function: None, stages: Vec::new() };
    for _ in 0..LONGEST {
        let sort = sort(&value)?;
        match sort {
            Sort::Cache => chain.caches.push(value.clone()),
            Sort::CachedProperty => {
                chain.in_instances = class.cloned().zip(interpreter::text(&value, "attrname"));
            }
            Sort::Function => chain.function = Some(value.clone()),
            Sort::Property | Sort::Method => {}
        }
        chain.stages.push(value.clone());
        match value.getattr(sort.inside()) {
            Ok(inside) => value = inside,
            Err(_) => break,
        }
    }
    chain.function.is_some().then_some(chain)
}

enum Sort {
    Cache,
    CachedProperty,
    Property,
    Method,
    Function,
}

impl Sort {
    /// The attribute that leads on to the plain function.
    fn inside(&self) -> &'static str {
        match self {
            Self::Cache | Self::Function => "__wrapped__",
            Self::CachedProperty => "func",
            Self::Property => "fget",
            Self::Method => "__func__",
        }
    }
}

fn sort(value: &Bound<'_, PyAny>) -> Option<Sort> {
    if interpreter::is_function(value).ok()? {
        return Some(Sort::Function);
    }
    let (module, name) = interpreter::type_name(value)?;
    match (module.as_str(), name.as_str()) {
        ("functools", "_lru_cache_wrapper") => Some(Sort::Cache),
        ("functools", "cached_property") => Some(Sort::CachedProperty),
        ("builtins", "property") => Some(Sort::Property),
        ("builtins", "staticmethod" | "classmethod") => Some(Sort::Method),
        _ => None,
    }
}

/// What stands around functions in what the names of a module lead to.
pub struct Wrappers<'py>(Vec<Vec<Bound<'py, PyAny>>>);

impl<'py> Wrappers<'py> {
    /// Those of all names of a module and of its classes.
    pub fn of(namespace: &Bound<'py, PyDict>) -> Self {
        let chains = all(namespace).into_iter().map(|chain| chain.stages);
        Self(chains.filter(|stages| stages.len() > 1).collect())
    }

    /// What stands around a function.
    pub fn around<'a>(
        &'a self,
        function: &'a Bound<'py, PyAny>,
    ) -> impl Iterator<Item = &'a Bound<'py, PyAny>> {
        let outer = move |stages: &'a Vec<Bound<'py, PyAny>>| {
            let end = stages.iter().position(|stage| stage.is(function)).unwrap_or(0);
            &stages[..end]
        };
        self.0.iter().flat_map(outer)
    }
}

/// Whether it is what `functools.lru_cache` makes of a function.
pub fn is_cache(object: &Bound<'_, PyAny>) -> bool {
    matches!(sort(object), Some(Sort::Cache))
}
