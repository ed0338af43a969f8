//! Classes that are computed from their body: a decorated class (a dataclass) is made anew beside the old
//! one, and what the decorator generated is taken over; new bases are assigned.

use super::executor::Executor;
use super::slot::{ANNOTATIONS_CACHE, Slot};
use super::transaction::{Purpose, Transaction};
use super::{codes, enumeration, holders, refusal, scope};
use crate::interpreter;
use patchctl_protocol::plan::Step;
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

/// Attributes that belong to the one class object.
const OWN: [&str; 8] = [
    "__dict__",
    "__weakref__",
    "__module__",
    "__qualname__",
    "__firstlineno__",
    "__static_attributes__",
    "__abstractmethods__",
    "__slots__",
];

/// What a decorator computes from the body, beside functions; `__doc__` where the body has none.
const GENERATED: [&str; 17] = [
    "__dataclass_fields__",
    "__dataclass_params__",
    "__match_args__",
    "__attrs_attrs__",
    "__annotations__",
    "__annotate__",
    "__annotate_func__",
    ANNOTATIONS_CACHE,
    "__doc__",
    "__hash__",
    "__required_keys__",
    "__optional_keys__",
    "__readonly_keys__",
    "__mutable_keys__",
    "__total__",
    "__closed__",
    "__extra_items__",
];

/// Makes the class anew and takes over the attributes that its decorators generated, and those whose
/// statements changed.
pub fn regenerate<'py>(
    py: Python<'py>,
    executor: &mut Executor<'_, 'py, '_>,
    step: &Step,
    transaction: &mut Transaction,
) -> Result<(), Refusal> {
    let raised = |error: PyErr| refusal(py, Reason::UnsupportedChange, "making the class anew", &error);
    let class = scope::class(&executor.module.namespace, &step.scope)?;
    let (new, body) = make(py, executor, step)?;
    if enumeration::is_one(&class) {
        return enumeration::take_members(step, (&class, &new), &executor.module.key, transaction);
    }
    if take_field_defaults(py, executor, step, (&class, &new), transaction).map_err(raised)? {
        return Ok(());
    }
    if !has_same_slots(&class, &new).map_err(raised)? {
        let detail = format!("{} has slots, which are laid out when the class is made", step.scope.join("."));
        return Err(Refusal::new(Reason::UnsupportedChange, detail));
    }
    let mut taken: Vec<(String, Option<Bound<'py, PyAny>>)> = Vec::new();
    for entry in new
        .getattr("__dict__")
        .and_then(|own| own.call_method0("items"))
        .map_err(raised)?
        .try_iter()
        .map_err(raised)?
    {
        let (name, value): (String, Bound<'_, PyAny>) =
            entry.and_then(|entry| entry.extract()).map_err(raised)?;
        let generated = !body.contains(&name) && is_method(&value);
        if generated && !OWN.contains(&name.as_str())
            || is_taken_over((&class, &executor.module.namespace), &name, &value, step).map_err(raised)?
        {
            taken.push((name, Some(value)));
        }
    }
    for name in scope::names(&class) {
        let gone = scope::attribute(&new, &name).is_none() && !body.contains(&name);
        let unhashed = |value: &Bound<'py, PyAny>| name == "__hash__" && value.is_none();
        if gone && scope::attribute(&class, &name).is_some_and(|v| is_generated(&v) || unhashed(&v)) {
            taken.push((name, None));
        }
    }
    // What the body binds and the decorator took away: a field whose default is made by a factory.
    let lacking = step.binds.iter().filter(|name| scope::attribute(&new, name).is_none());
    taken.extend(lacking.map(|name| (name.clone(), None)));
    let answered = taken.iter().any(|(name, _)| name == ANNOTATIONS_CACHE);
    for (name, value) in taken {
        value.as_ref().map_or(Ok(()), |value| lead_back(value, (&class, &new))).map_err(raised)?;
        let label = step.label(&name);
        let purpose = Purpose::kept(&executor.module.key, &label, &step.patches);
        let slot = Slot::Class(class.clone().into_any().unbind(), name);
        transaction.put(py, purpose, slot, value).map_err(raised)?;
    }
    if answered {
        return Ok(());
    }
    let purpose = Purpose::kept(&executor.module.key, "", &step.patches);
    forget_annotations(py, &class, purpose, transaction).map_err(raised)
}

/// What was computed by the function that is gone now, and what will be by the one that came, goes with it.
fn forget_annotations(
    py: Python<'_>,
    class: &Bound<'_, PyType>,
    purpose: Purpose<'_>,
    transaction: &mut Transaction,
) -> PyResult<()> {
    let slot = Slot::Class(class.clone().into_any().unbind(), ANNOTATIONS_CACHE.to_owned());
    if slot.read(py)?.is_some() {
        return transaction.put(py, purpose, slot, None);
    }
    transaction.note(purpose, slot, None, None);
    Ok(())
}

/// Has a method that a decorator generated mean the class that is there where it captured the one that was made
/// anew (`super(klass, cls)`).
fn lead_back(
    method: &Bound<'_, PyAny>,
    (class, new): (&Bound<'_, PyType>, &Bound<'_, PyType>),
) -> PyResult<()> {
    let Some(function) = holders::plain_function(method) else { return Ok(()) };
    let cells = function.getattr("__closure__")?;
    if cells.is_none() {
        return Ok(());
    }
    for cell in cells.try_iter()? {
        let cell = cell?;
        if cell.getattr("cell_contents").is_ok_and(|content| content.is(new)) {
            cell.setattr("cell_contents", class)?;
        }
    }
    Ok(())
}

/// What a named tuple gets from its body beside its methods: the defaults of its fields. Whether it is one.
fn take_field_defaults<'py>(
    py: Python<'py>,
    executor: &Executor<'_, 'py, '_>,
    step: &Step,
    (class, new): (&Bound<'py, PyType>, &Bound<'py, PyType>),
    transaction: &mut Transaction,
) -> PyResult<bool> {
    const DEFAULTS: &str = "_field_defaults";
    let Some(defaults) = scope::attribute(new, DEFAULTS) else { return Ok(false) };
    let label = step.label(DEFAULTS);
    let purpose = Purpose::kept(&executor.module.key, &label, &step.patches);
    let slot = Slot::Class(class.clone().into_any().unbind(), DEFAULTS.to_owned());
    transaction.put(py, purpose, slot, Some(defaults))?;
    let makers = [class, new].map(|class| class.getattr("__new__"));
    let [own, maker] = makers;
    let slot = Slot::Attribute(own?.unbind(), "__defaults__".to_owned());
    transaction.put(py, purpose, slot, Some(maker?.getattr("__defaults__")?))?;
    Ok(true)
}

/// Whether instances have the same slots; those of the old class stay.
fn has_same_slots(class: &Bound<'_, PyType>, new: &Bound<'_, PyType>) -> PyResult<bool> {
    match (scope::attribute(class, "__slots__"), scope::attribute(new, "__slots__")) {
        (None, None) => Ok(true),
        (Some(old), Some(new)) => old.eq(new),
        _ => Ok(false),
    }
}

/// Whether it is a method, behind whatever stands around it.
fn is_method(value: &Bound<'_, PyAny>) -> bool {
    holders::plain_function(value).is_some()
}

/// Whether a decorator of the standard library, or one that compiles text, made a method.
fn is_generated(value: &Bound<'_, PyAny>) -> bool {
    let Some(function) = holders::plain_function(value) else { return false };
    let file = function.getattr("__code__").ok().and_then(|code| interpreter::text(&code, "co_filename"));
    file.is_some_and(|file| file.starts_with('<') || file.ends_with("/functools.py"))
}

fn is_taken_over(
    (class, namespace): (&Bound<'_, PyType>, &Bound<'_, PyDict>),
    name: &str,
    value: &Bound<'_, PyAny>,
    step: &Step,
) -> PyResult<bool> {
    // A slot of the new class is no place in instances of the old one.
    if OWN.contains(&name)
        || interpreter::type_name(value).is_some_and(|(_, kind)| kind == "member_descriptor")
    {
        return Ok(false);
    }
    if step.binds.iter().any(|bound| bound == name) {
        return Ok(true);
    }
    if let Some(function) = holders::plain_function(value) {
        // Generated functions are compiled from text that is in no file; a wrapper may stand around them.
        let file = interpreter::text(&function.getattr("__code__")?, "co_filename").unwrap_or_default();
        // A metaclass may compute annotations by a function of its own, as `typing` does from 3.14 on.
        let annotates = name.starts_with("__annotate") && !function.getattr("__globals__")?.is(namespace);
        return Ok(annotates || file.starts_with('<'));
    }
    Ok(GENERATED.contains(&name) || scope::attribute(class, name).is_none())
}

/// Assigns the bases of the new header.
pub fn rebase<'py>(
    py: Python<'py>,
    executor: &mut Executor<'_, 'py, '_>,
    step: &Step,
    transaction: &mut Transaction,
) -> Result<(), Refusal> {
    let raised = |error: PyErr| refusal(py, Reason::UnsupportedChange, "assigning the bases", &error);
    let class = scope::class(&executor.module.namespace, &step.scope)?;
    let bases = make(py, executor, step)?.0.getattr("__bases__").map_err(raised)?;
    let label = step.label("__bases__");
    let purpose = Purpose::kept(&executor.module.key, &label, &step.patches);
    let slot = Slot::Attribute(class.into_any().unbind(), "__bases__".to_owned());
    transaction.put(py, purpose, slot, Some(bases)).map_err(raised)
}

/// The class as its new statement makes it, bound to no name of the module, and the names that stand in its
/// body.
fn make<'py>(
    py: Python<'py>,
    executor: &mut Executor<'_, 'py, '_>,
    step: &Step,
) -> Result<(Bound<'py, PyType>, Vec<String>), Refusal> {
    let code = executor.compile(py, step.source.as_deref().unwrap_or_default())?;
    let (name, outer) = match step.scope.split_last() {
        Some((name, outer)) => (name, outer.to_vec()),
        None => return Err(Refusal::new(Reason::Internal, "a class step without a class")),
    };
    let locals = if outer.is_empty() { PyDict::new(py) } else { executor.locals(&outer)? };
    executor.run(py, &code, &outer, &locals)?;
    let made = locals.get_item(name).ok().flatten();
    let class = made.and_then(|made| scope::behind(made, name)).ok_or_else(|| {
        Refusal::new(Reason::UnsupportedChange, format!("{name} is no class after its decorators"))
    })?;
    let internal = |error: PyErr| refusal(py, Reason::Internal, "reading a class's body", &error);
    let mut names: Vec<String> = Vec::new();
    for code in codes::within(&code).map_err(internal)? {
        if interpreter::text(&code, "co_name").as_deref() == Some(name) {
            names.extend(
                code.getattr("co_names").and_then(|names| names.extract::<Vec<_>>()).map_err(internal)?,
            );
        }
    }
    Ok((class, names))
}
