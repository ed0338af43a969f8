//! Edits of functions that exist in the process.

use super::super::codes;
use super::super::failures::Failure;
use super::super::holders;
use super::super::prepare::Prepared;
use super::super::{records, scope};
use super::apply::{apply_live, patches};
use super::made::is_made;
use crate::reconcile::refusal;
use crate::{interpreter, modules};
use patchctl_protocol::edit::{Edit, Function};
use patchctl_protocol::hook::{ModulePlan, Outcome};
use patchctl_protocol::plan::{FunctionChange, Parts, Plan};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use std::borrow::Cow;

/// The plans with a change for each function that is edited. Without edits they are the same plans.
pub fn with_functions<'a>(py: Python<'_>, plans: &'a [ModulePlan]) -> Cow<'a, [ModulePlan]> {
    let edited =
        |module: &ModulePlan| matches!(&module.outcome, Outcome::Plan(plan) if !plan.edits.is_empty());
    if !plans.iter().any(edited) {
        return Cow::Borrowed(plans);
    }
    let mut plans = plans.to_vec();
    for module in &mut plans {
        let namespace = modules::namespace(py, &module.name);
        if let (Outcome::Plan(plan), Some(namespace)) = (&mut module.outcome, namespace) {
            add_functions(plan, &namespace);
        }
    }
    Cow::Owned(plans)
}

fn add_functions(plan: &mut Plan, namespace: &Bound<'_, PyDict>) {
    for edit in plan.edits.iter().filter(|edit| !is_body(&edit.function, namespace)) {
        let Function { scope, name, qualname } = &edit.function;
        let known = plan.functions.iter_mut().filter(|change| change.qualname == *qualname);
        let mut new = true;
        for change in known {
            new = false;
            change.parts.code = true;
            if !change.patches.contains(&edit.patch) {
                change.patches.push(edit.patch.clone());
            }
        }
        if new && !is_made(plan, &edit.function) {
            plan.functions.push(FunctionChange {
                scope: scope.clone(),
                name: name.clone(),
                qualname: qualname.clone(),
                parts: Parts { code: true, ..Parts::default() },
                patches: vec![edit.patch.clone()],
                ..FunctionChange::default()
            });
        }
    }
}

/// Whether it is the body of the module or of a class, which runs once.
fn is_body(function: &Function, namespace: &Bound<'_, PyDict>) -> bool {
    let bound = scope::lookup(namespace, &function.scope, &function.name);
    function.is_body() || bound.is_some_and(|value| value.is_instance_of::<PyType>())
}

/// Whether nothing but edits changes a function: no text of the plan has it.
pub fn is_edited_only(change: &FunctionChange) -> bool {
    change.new_line == 0
}

impl<'py> Prepared<'py, '_> {
    /// Makes the new code of the functions that are edited: on top of what changes at source level.
    pub fn edit(&mut self, py: Python<'py>, content: &Plan) -> Result<(), Failure> {
        if content.edits.is_empty() {
            return Ok(());
        }
        self.check_bodies(&content.edits)?;
        for (index, change) in content.functions.iter().enumerate() {
            let own = |edit: &&Edit| edit.function.qualname == change.qualname;
            let edits: Vec<&Edit> = content.edits.iter().filter(own).collect();
            if !edits.is_empty() {
                self.edit_function(py, index, change, &edits)?;
            }
        }
        Ok(())
    }

    fn edit_function(
        &mut self,
        py: Python<'py>,
        index: usize,
        change: &FunctionChange,
        edits: &[&Edit],
    ) -> Result<(), Failure> {
        let patches = patches(edits);
        let internal =
            |error: PyErr| Failure::new(&patches, refusal(py, Reason::Internal, "editing", &error));
        let planned = self.pairs.iter().find(|pair| pair.change == index && pair.outermost);
        let (old, new) = match planned {
            Some(pair) => (pair.old.clone(), pair.new.clone()),
            None => {
                let found = self.base_of(change).map_err(|refusal| Failure::new(&patches, refusal))?;
                (found.clone(), found)
            }
        };
        let edited = apply_live(&new, edits, &self.namespace)?;
        self.pairs.retain(|pair| pair.change != index);
        self.pairs.extend(codes::pairs(index, &change.qualname, &old, &edited.code).map_err(internal)?);
        self.defaults.insert(index, edited.defaults);
        Ok(())
    }

    /// The code, without any patch, of the function that a name leads to: behind decorators that tell what
    /// they wrap; or else the one function of that qualified name.
    fn base_of(&self, change: &FunctionChange) -> Result<Bound<'py, PyAny>, Refusal> {
        let name = &change.qualname;
        let value = scope::lookup(&self.namespace, &change.scope, &change.name);
        let function = value.as_ref().and_then(holders::plain_function);
        let bound = |function: &Bound<'py, PyAny>| {
            self.candidates.iter().find(|candidate| candidate.holder.function.is(function))
        };
        if let Some(found) = function.as_ref().and_then(bound) {
            return Ok(found.base.clone());
        }
        let mut named = self.candidates.iter().filter(|candidate| {
            interpreter::text(&candidate.holder.function, "__qualname__").as_ref() == Some(name)
        });
        let missing = match (named.next(), function) {
            (Some(found), _) if named.all(|other| other.base.is(&found.base)) => {
                return Ok(found.base.clone());
            }
            (Some(_), _) => format!("several functions in the process are called {name}"),
            (None, Some(_)) => format!("{name} is a function of another module"),
            (None, None) => format!("no function {name} in the process"),
        };
        Err(Refusal::new(Reason::TargetNotFound, missing))
    }

    /// Bodies of modules and classes have run: an edit of one has its effect only where it was made before.
    fn check_bodies(&self, edits: &[Edit]) -> Result<(), Failure> {
        let made = records::bodies(&self.key);
        for edit in edits.iter().filter(|edit| is_body(&edit.function, &self.namespace)) {
            let applied = self.plan.applied.iter().find(|patch| patch.id == edit.patch);
            let known = applied.is_some_and(|patch| made.contains(patch));
            if !known {
                let name = &edit.function.qualname;
                let detail = format!("the body of {name} has run: it can be edited only at import");
                let refusal = Refusal::new(Reason::UnsupportedChange, detail);
                return Err(Failure::new(std::slice::from_ref(&edit.patch), refusal));
            }
        }
        Ok(())
    }
}
