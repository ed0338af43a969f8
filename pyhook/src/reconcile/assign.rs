//! Giving functions their new code, and with it what [`super::attributes`] brings. Nothing here
//! runs Python code of the application, so under the GIL all functions change together.

use super::attributes::Attributes;
use super::codes;
use super::failures::Failure;
use super::holders::Holder;
use super::named::Wrappers;
use super::prepare::{Candidate, Prepared};
use super::record::{CodeRecord, Record};
use super::slot::Slot;
use super::substitute::substitute;
use super::templates::Templates;
use super::transaction::{Purpose, Transaction};
use super::{edit, monitoring, refusal, scope, trampoline};
use patchctl_protocol::plan::FunctionChange;
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use std::cell::OnceCell;

/// Brings every function of the module to its target code.
pub fn assign<'py>(
    py: Python<'py>,
    module: &Prepared<'py, '_>,
    templates: &Templates<'py>,
    transaction: &mut Transaction,
    record: &mut Record,
) -> Result<(), Failure> {
    let wrappers = OnceCell::new();
    for candidate in &module.candidates {
        let change = candidate.pair.and_then(|pair| module.content?.functions.get(module.pairs[pair].change));
        let patches = change.map(|change| change.patches.as_slice()).unwrap_or_default();
        let assignment = Assignment { py, module, candidate, templates, wrappers: &wrappers };
        assignment.make(transaction, record).map_err(|refusal| Failure::new(patches, refusal))?;
    }
    remember_inner(module, record)
        .map_err(|error| Failure::new(&[], refusal(py, Reason::Internal, "recording", &error)))
}

struct Assignment<'a, 'py, 'p> {
    py: Python<'py>,
    module: &'a Prepared<'py, 'p>,
    candidate: &'a Candidate<'py>,
    templates: &'a Templates<'py>,
    /// What stands around the module's functions, once somebody asks.
    wrappers: &'a OnceCell<Wrappers<'py>>,
}

impl<'py> Assignment<'_, 'py, '_> {
    fn make(&self, transaction: &mut Transaction, record: &mut Record) -> Result<(), Refusal> {
        let internal = |error: PyErr| refusal(self.py, Reason::Internal, "assigning", &error);
        let (Some(index), Some(content)) = (self.candidate.pair, self.module.content) else {
            return self.back_to_base(transaction, record).map_err(internal);
        };
        let pair = &self.module.pairs[index];
        let change = &content.functions[pair.change];
        let code = self.new_code(index, change, transaction)?;
        self.store(&code, transaction).map_err(internal)?;
        if !code.is(&self.candidate.base) {
            record.codes.push(CodeRecord {
                qualname: pair.qualname.clone(),
                original: Some(self.candidate.base.clone().unbind()),
                current: code.unbind(),
                outermost: pair.outermost,
                // Who holds what was undecorated may rightly let go of it.
                optional: change.is_optional() || !pair.outermost || self.module.leads_on(self.candidate),
                patches: change.patches.clone(),
            });
        }
        if !pair.outermost {
            return Ok(());
        }
        let attributes = Attributes {
            py: self.py,
            module: self.module,
            function: &self.candidate.holder.function,
            change,
            wrappers: self.wrappers,
        };
        match self.templates.of(pair.change, &pair.new).map_err(internal)? {
            Some(template) => attributes.take_over(template, transaction).map_err(internal)?,
            None if change.parts.docstring => {
                let text = codes::docstring(&pair.new).map_err(internal)?;
                attributes.store_copied("__doc__", text, transaction).map_err(internal)?;
            }
            None => {}
        }
        match self.module.defaults.get(&pair.change) {
            Some(changes) if !changes.is_empty() => {
                attributes.change_defaults(changes, &pair.new, transaction)
            }
            _ => Ok(()),
        }
    }

    /// Gives the function its own code back. One that came to be with another closure can't take it: it gets
    /// code that calls a function which can, or keeps what it has where the old code needs a variable that
    /// it never captured.
    fn back_to_base(&self, transaction: &mut Transaction, record: &mut Record) -> PyResult<()> {
        let Candidate { holder, base, .. } = self.candidate;
        if codes::free_variables(base)? == codes::free_variables(&holder.code)? {
            return self.store(base, transaction);
        }
        let inner = trampoline::function_with(self.py, &holder.function, base, None);
        let code = match inner {
            Ok(inner) => trampoline::code_calling(self.py, &holder.code, base, &inner)?,
            Err(_) => holder.code.clone(),
        };
        self.store(&code, transaction)?;
        record.codes.push(CodeRecord {
            qualname: String::new(),
            original: Some(base.clone().unbind()),
            current: code.unbind(),
            outermost: false,
            optional: true,
            patches: Vec::new(),
        });
        Ok(())
    }

    /// The code object to store: the new code where it fits this function's closure, else one that calls
    /// a function which has it.
    fn new_code(
        &self,
        index: usize,
        change: &FunctionChange,
        transaction: &mut Transaction,
    ) -> Result<Bound<'py, PyAny>, Refusal> {
        let internal = |error: PyErr| refusal(self.py, Reason::Internal, "fitting", &error);
        let pair = &self.module.pairs[index];
        let function = &self.candidate.holder.function;
        let decorated = change.parts.decorators || change.parts.kind;
        if decorated && pair.outermost && self.module.bound_plainly[pair.change] {
            return self.decorated(index, change, transaction);
        }
        if codes::kind(&self.candidate.base).map_err(internal)? != codes::kind(&pair.new).map_err(internal)? {
            let detail =
                format!("{} changes its kind and is held by a decorator or elsewhere", change.qualname);
            return Err(Refusal::new(Reason::KindChanged, detail));
        }
        // What it runs now tells the names of its cells.
        let (own, new) =
            (codes::free_variables(&self.candidate.holder.code), codes::free_variables(&pair.new));
        if own.map_err(internal)? == new.map_err(internal)? {
            // Where only defaults and the like change, the original stays.
            return Ok(if change.parts.code { pair.new.clone() } else { self.candidate.base.clone() });
        }
        let class = scope::class(&self.module.namespace, &change.scope).ok().filter(|_| pair.outermost);
        let inner = trampoline::function_with(self.py, function, &pair.new, class.as_ref())?;
        let code = trampoline::code_calling(self.py, &self.candidate.holder.code, &pair.new, &inner);
        let code = code.map_err(internal)?;
        edit::verify(&code).map(|()| code)
    }

    /// The function was undecorated and is decorated now, or of another kind: whoever holds it is led to
    /// what its name is bound to now.
    fn decorated(
        &self,
        index: usize,
        change: &FunctionChange,
        transaction: &mut Transaction,
    ) -> Result<Bound<'py, PyAny>, Refusal> {
        let internal = |error: PyErr| refusal(self.py, Reason::Internal, "redirecting", &error);
        let bound = scope::lookup(&self.module.namespace, &change.scope, &change.name);
        if codes::kind(&self.candidate.base).map_err(internal)? != 0 {
            return self.replaced(bound, change, transaction);
        }
        let bound = bound.filter(Bound::is_callable);
        match bound {
            Some(target) if !target.is(&self.candidate.holder.function) => trampoline::code_calling(
                self.py,
                &self.candidate.base,
                &self.module.pairs[index].new,
                &target,
            )
            .map_err(internal),
            // A property or another descriptor: nobody calls the old function by its name any more.
            _ => Ok(self.candidate.base.clone()),
        }
    }

    /// The function was a generator or a coroutine: its calls can't lead to what it is now, so whoever holds it
    /// gets that in its place.
    fn replaced(
        &self,
        bound: Option<Bound<'py, PyAny>>,
        change: &FunctionChange,
        transaction: &mut Transaction,
    ) -> Result<Bound<'py, PyAny>, Refusal> {
        let internal = |error: PyErr| refusal(self.py, Reason::Internal, "replacing", &error);
        let function = &self.candidate.holder.function;
        if let Some(target) = bound.filter(|target| !target.is(function)) {
            let purpose = Purpose::kept(&self.module.key, "", &change.patches);
            let held = substitute(self.py, purpose, (function, &target), transaction).map_err(internal)?;
            if let Some(kind) = held {
                let detail = format!(
                    "{} was a generator or coroutine, and an object of type {kind} holds it, which can't get what \
                     it is now",
                    change.qualname
                );
                return Err(Refusal::new(Reason::KindChanged, detail));
            }
        }
        Ok(self.candidate.base.clone())
    }

    /// Stores the code object, if it is another one. The record keeps code objects in a table of its own,
    /// which finds functions that come to be later, too.
    fn store(&self, code: &Bound<'py, PyAny>, transaction: &mut Transaction) -> PyResult<()> {
        let Holder { function, code: now } = &self.candidate.holder;
        if now.is(code) {
            return Ok(());
        }
        // A tool that can't go on watching is no reason to leave a hole open.
        monitoring::carry_over(now, code).ok();
        let slot = Slot::Attribute(function.clone().unbind(), "__code__".to_owned());
        transaction.put(self.py, Purpose::passing(), slot, Some(code.clone()))
    }
}

/// Records the code objects within changed functions by the very objects that the originals hold: for
/// closures that come to be while the patch is active.
fn remember_inner(module: &Prepared<'_, '_>, record: &mut Record) -> PyResult<()> {
    let Some(content) = module.content else { return Ok(()) };
    for (index, change) in content.functions.iter().enumerate() {
        let Some(found) = module.holders_of(index).next() else { continue };
        let Some(pair) = found.pair else { continue };
        for inner in codes::pairs(index, &change.qualname, &found.base, &module.pairs[pair].new)? {
            if !inner.outermost && !record.codes.iter().any(|code| code.current.is(&inner.new)) {
                record.codes.push(CodeRecord {
                    qualname: inner.qualname,
                    original: Some(inner.old.unbind()),
                    current: inner.new.unbind(),
                    outermost: false,
                    optional: true,
                    patches: change.patches.clone(),
                });
            }
        }
    }
    Ok(())
}
