//! Who runs some code objects: frames of all threads, suspended generators and coroutines, and greenlets.

use super::prepare::Prepared;
use super::{codes, frames, holders, scope};
use crate::interpreter;
use patchctl_protocol::plan::Action;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use std::collections::HashSet;
use std::fmt::Write;

/// Most frames of a stack that are told.
const MOST_FRAMES: usize = 12;

/// Code objects that are to run nowhere, told apart by identity.
pub struct Codes<'py> {
    all: Vec<Bound<'py, PyAny>>,
    addresses: HashSet<usize>,
}

impl<'py> Codes<'py> {
    fn new(all: Vec<Bound<'py, PyAny>>) -> Self {
        let addresses = all.iter().map(|code| code.as_ptr() as usize).collect();
        Self { all, addresses }
    }

    /// What a patch changes or takes out runs now, inner functions included.
    pub fn of(prepared: &[Prepared<'py, '_>], patch: &str) -> PyResult<Self> {
        let mut all = Vec::new();
        for module in prepared {
            let Some(content) = module.content else { continue };
            let has = |patches: &[String]| patches.is_empty() || patches.iter().any(|id| id == patch);
            for candidate in &module.candidates {
                let change = candidate.pair.map(|pair| &content.functions[module.pairs[pair].change]);
                if change.is_some_and(|change| has(&change.patches)) {
                    all.push(candidate.holder.code.clone());
                }
            }
            let gone =
                content.steps.iter().filter(|step| step.action == Action::Delete && has(&step.patches));
            for (step, name) in gone.flat_map(|step| step.binds.iter().map(move |name| (step, name))) {
                let value = scope::lookup(&module.namespace, &step.scope, name);
                if let Some(function) = value.as_ref().and_then(holders::plain_function) {
                    all.push(function.getattr("__code__")?);
                }
            }
        }
        let inner: Vec<_> = all.iter().map(codes::within).collect::<PyResult<_>>()?;
        all.extend(inner.into_iter().flatten());
        Ok(Self::new(all))
    }

    /// Those that were kept.
    pub fn again(py: Python<'py>, kept: &[Py<PyAny>]) -> Self {
        Self::new(kept.iter().map(|code| code.bind(py).clone()).collect())
    }

    /// To be kept.
    pub fn unbind(self) -> Vec<Py<PyAny>> {
        self.all.into_iter().map(Bound::unbind).collect()
    }

    fn contains(&self, code: &Bound<'_, PyAny>) -> bool {
        self.addresses.contains(&(code.as_ptr() as usize))
    }
}

/// Who runs one of the code objects, with the stack, innermost call first; nobody: `None`.
///
/// # Errors
/// What reading frames raises.
pub fn holder(py: Python<'_>, codes: &Codes<'_>) -> PyResult<Option<String>> {
    for (thread, frame) in frames::innermost(py)?.iter() {
        if let Some(stack) = stack_from(frame, codes)? {
            return Ok(Some(format!("{}: {stack}", thread_name(py, &thread))));
        }
    }
    if let Some(found) = frames::suspended(py, &codes.all)?.first() {
        let place = place(&found.code, found.line);
        return Ok(Some(format!("{}: {place}", found.holder)));
    }
    greenlet(py, codes)
}

/// The stack from the innermost of the code objects outwards, if one is on it.
fn stack_from(frame: Bound<'_, PyAny>, codes: &Codes<'_>) -> PyResult<Option<String>> {
    let (mut told, mut stack) = (0, String::new());
    for frame in frames::outwards(frame) {
        let frame = frame?;
        let code = frame.getattr("f_code")?;
        if told > 0 || codes.contains(&code) {
            told += 1;
            if told <= MOST_FRAMES {
                let line = frame.getattr("f_lineno")?.extract().unwrap_or_default();
                let separator = if told == 1 { "" } else { " < " };
                write!(stack, "{separator}{}", place(&code, line)).ok();
            }
        }
    }
    if told > MOST_FRAMES {
        write!(stack, " < {} more", told - MOST_FRAMES).ok();
    }
    Ok((told > 0).then_some(stack))
}

/// `net (price.py:12)`.
fn place(code: &Bound<'_, PyAny>, line: u32) -> String {
    let text = |name| interpreter::text(code, name);
    let name = text("co_qualname").or_else(|| text("co_name")).unwrap_or_default();
    let file = text("co_filename").unwrap_or_default();
    let file = file.rsplit('/').next().unwrap_or_default();
    format!("{name} ({file}:{line})")
}

/// `thread MainThread (4711)`, with the id that the kernel knows it by, where `threading` knows it.
fn thread_name(py: Python<'_>, ident: &Bound<'_, PyAny>) -> String {
    let known = || {
        let threading = interpreter::namespace(py, "threading").ok()??;
        let active = threading.get_item("_active").ok()??.cast_into::<PyDict>().ok()?;
        let thread = active.get_item(ident).ok()??;
        let read = py.get_type::<PyAny>().getattr("__getattribute__").ok()?;
        let values = read.call1((thread, "__dict__")).ok()?.cast_into::<PyDict>().ok()?;
        let name = values.get_item("_name").ok()??.cast_into::<PyString>().ok()?.to_string();
        let native: u64 = values.get_item("_native_id").ok()??.extract().ok()?;
        Some(format!("thread {name} ({native})"))
    };
    known().unwrap_or_else(|| format!("thread {ident}"))
}

/// A greenlet that is switched away: no thread has it on its stack.
fn greenlet(py: Python<'_>, codes: &Codes<'_>) -> PyResult<Option<String>> {
    let Some(module) = interpreter::namespace(py, "greenlet")? else { return Ok(None) };
    let Some(kind) = module.get_item("greenlet")? else { return Ok(None) };
    let objects = py.import("gc")?.getattr("get_objects")?.call0()?.cast_into::<PyList>()?;
    for object in objects.iter() {
        if !object.get_type().is(&kind) && !object.get_type().mro().contains(&kind)? {
            continue;
        }
        let frame = kind.getattr("gr_frame")?.call_method1("__get__", (&object,))?;
        if let Some(stack) = stack_from(frame, codes)? {
            return Ok(Some(format!("a greenlet: {stack}")));
        }
    }
    Ok(None)
}
