//! Everything before the first store: take the skeletons' code, find all holders, and check that what runs is
//! what the plan was made for. Changes nothing.

use super::codes::{self, Pair};
use super::failures::Failure;
use super::holders::{self, Functions, Holder};
use super::index::Index;
use super::skeletons::{Skeletons, file_name};
use super::{edit, interfaces, records, refusal, scope};
use crate::{interpreter, modules};
use patchctl_protocol::hook::{ModulePlan, Outcome};
use patchctl_protocol::plan::{FunctionChange, Plan};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::HashMap;

/// A function of the module, and what is to become of it.
pub struct Candidate<'py> {
    pub holder: Holder<'py>,
    /// The code that it has without any patch.
    pub base: Bound<'py, PyAny>,
    /// Index of the pair whose old code it runs.
    pub pair: Option<usize>,
}

/// A module that is ready to be changed.
pub struct Prepared<'py, 'p> {
    pub plan: &'p ModulePlan,
    /// Under which the module's record is kept, see [`crate::modules::instances`].
    pub key: String,
    /// The plan's content; `None` where the target is the base.
    pub content: Option<&'p Plan>,
    pub namespace: Bound<'py, PyDict>,
    pub candidates: Vec<Candidate<'py>>,
    pub pairs: Vec<Pair<'py>>,
    /// What the old skeleton compiles to: holds all definitions of a name that is defined conditionally.
    old: Option<Bound<'py, PyAny>>,
    /// Changes (by index) whose function itself, undecorated, is what its name is bound to.
    pub bound_plainly: Vec<bool>,
    /// Changes (by index) of functions that do not exist here: they are executed as new ones. Only
    /// without source, where the planner can't know.
    pub absent: Vec<bool>,
    /// What edits change of default values, by change.
    pub defaults: HashMap<usize, Vec<edit::Change<'py>>>,
}

/// Prepares some modules, under whichever names they are loaded.
pub fn all<'py, 'p>(
    py: Python<'py>,
    plans: &'p [ModulePlan],
    skeletons: &Skeletons<'py, '_>,
) -> Result<Vec<Prepared<'py, 'p>>, Failure> {
    let instances = |plan: &'p ModulePlan| {
        modules::instances(py, &plan.name).into_iter().map(move |instance| (plan, instance))
    };
    let found: Vec<_> = plans.iter().flat_map(instances).collect();
    let namespaces: Vec<_> = found.iter().map(|(_, (_, namespace))| (namespace, 1)).collect();
    let mut functions = Functions::of(py, &namespaces)
        .map_err(|error| Failure::new(&[], refusal(py, Reason::Internal, "finding functions", &error)))?;
    let prepared = |(plan, instance)| prepare((plan, skeletons), instance, &mut functions);
    found.into_iter().map(prepared).collect()
}

/// Prepares one module; `functions` are those that have its namespace as their globals, and may be others too.
fn prepare<'py, 'p>(
    (plan, skeletons): (&'p ModulePlan, &Skeletons<'py, '_>),
    (key, namespace): (String, Bound<'py, PyDict>),
    functions: &mut Functions<'py>,
) -> Result<Prepared<'py, 'p>, Failure> {
    let py = namespace.py();
    let internal = |error: PyErr| Failure::new(&[], refusal(py, Reason::Internal, "preparing", &error));
    let content = match &plan.outcome {
        Outcome::Plan(content) => Some(&**content),
        _ => None,
    };
    if let Some(unsupported) = content.and_then(|content| content.unsupported.first()) {
        let detail = format!("{} (line {}): {}", unsupported.name, unsupported.line, unsupported.detail);
        return Err(Failure::new(&unsupported.patches, Refusal::new(Reason::UnsupportedChange, detail)));
    }
    let functions = functions.take(&namespace);
    let changes = content.map_or(0, |content| content.functions.len());
    let mut prepared = Prepared {
        plan,
        candidates: candidates(py, &key, functions),
        key,
        content,
        namespace,
        pairs: Vec::new(),
        old: None,
        bound_plainly: vec![false; changes],
        absent: vec![false; changes],
        defaults: HashMap::new(),
    };
    if let Some(content) = content {
        prepared.pair_up(content, skeletons)?;
        prepared.verify(content)?;
        prepared.edit(py, content)?;
        prepared.match_candidates().map_err(internal)?;
        for (index, change) in content.functions.iter().enumerate() {
            prepared.check(index, change)?;
        }
    }
    Ok(prepared)
}

fn candidates<'py>(py: Python<'py>, key: &str, functions: Vec<Holder<'py>>) -> Vec<Candidate<'py>> {
    let known = records::originals(py, key);
    let candidate = |holder: Holder<'py>| {
        let original = known.get(&(holder.code.as_ptr() as usize));
        let base = original.map_or_else(|| holder.code.clone(), |code| code.bind(py).clone());
        Candidate { holder, base, pair: None }
    };
    functions.into_iter().map(candidate).collect()
}

impl<'py> Prepared<'py, '_> {
    /// Pairs the code objects of each change.
    fn pair_up(&mut self, content: &Plan, skeletons: &Skeletons<'py, '_>) -> Result<(), Failure> {
        let py = self.namespace.py();
        let filename = file_name(content, &self.namespace);
        let compile = |source: &str| {
            skeletons
                .code(py, source, &filename)
                .map_err(|error| Failure::new(&[], refusal(py, Reason::SyntaxError, "compiling", &error)))
        };
        let internal = |error: PyErr| Failure::new(&[], refusal(py, Reason::Internal, "pairing", &error));
        let old = content.old_skeleton.as_deref().map(compile).transpose()?;
        let new = compile(&content.new_skeleton)?;
        let old_index = old.as_ref().map(|old| Index::of_old(old, content)).transpose().map_err(internal)?;
        let new_index = Index::of_new(&new, content).map_err(internal)?;
        let planned = |(_, change): &(usize, &FunctionChange)| !edit::is_edited_only(change);
        for (index, change) in content.functions.iter().enumerate().filter(planned) {
            let name = codes::own_name(change);
            if name == codes::LAMBDA {
                self.pair_lambdas(index, change, old_index.as_ref(), &new_index).map_err(internal)?;
                continue;
            }
            let old_code = match &old_index {
                Some(old) => old.first(name, change.old_line),
                None => self.base_code(change),
            };
            let new_code = new_index.first(name, change.new_line);
            match (old_code, new_code) {
                (Some(old), Some(new)) => {
                    self.pairs.extend(codes::pairs(index, &change.qualname, &old, &new).map_err(internal)?);
                }
                (None, Some(_)) if old.is_none() => self.absent[index] = true,
                (old, _) => {
                    let which = if old.is_none() { "old" } else { "new" };
                    let detail = format!("{} is not in the {which} skeleton", change.qualname);
                    return Err(Failure::new(&change.patches, Refusal::new(Reason::Internal, detail)));
                }
            }
        }
        self.old = old;
        Ok(())
    }

    /// Has the new code objects verified; what is edited on top of them is verified there.
    fn verify(&self, content: &Plan) -> Result<(), Failure> {
        for pair in self.pairs.iter().filter(|pair| pair.outermost) {
            let patches = &content.functions[pair.change].patches;
            edit::verify(&pair.new).map_err(|refusal| Failure::new(patches, refusal))?;
        }
        Ok(())
    }

    /// The code that the function of that name has without any patch, where there is no source to compile
    /// it from.
    fn base_code(&self, change: &FunctionChange) -> Option<Bound<'py, PyAny>> {
        let value = scope::lookup(&self.namespace, &change.scope, &change.name)?;
        let function = holders::plain_function(&value)?;
        let found = self.candidates.iter().find(|candidate| candidate.holder.function.is(&function));
        found.map(|candidate| candidate.base.clone()).or_else(|| function.getattr("__code__").ok())
    }

    /// The lambdas of one line, in order: they have no name to tell them apart.
    fn pair_lambdas(
        &mut self,
        index: usize,
        change: &FunctionChange,
        old: Option<&Index<'py>>,
        new: &Index<'py>,
    ) -> PyResult<()> {
        let Some(old) = old else { return Ok(()) };
        let new = new.all(codes::LAMBDA, change.new_line);
        for (old, new) in old.all(codes::LAMBDA, change.old_line).zip(new) {
            if change.parts.defaults || !old.code.eq(&new.code)? {
                self.pairs.extend(codes::pairs(index, &change.qualname, &old.code, &new.code)?);
            }
        }
        Ok(())
    }

    fn match_candidates(&mut self) -> PyResult<()> {
        let mut by_line: HashMap<u32, Vec<usize>> = HashMap::new();
        for (index, pair) in self.pairs.iter().enumerate() {
            by_line.entry(codes::first_line(&pair.old)?).or_default().push(index);
        }
        for candidate in &mut self.candidates {
            for index in by_line.get(&codes::first_line(&candidate.base)?).into_iter().flatten() {
                if candidate.base.eq(&self.pairs[*index].old)? {
                    candidate.pair = Some(*index);
                    break;
                }
            }
        }
        Ok(())
    }

    /// The functions that run the old code of this change itself.
    pub fn holders_of(&self, change: usize) -> impl Iterator<Item = &Candidate<'py>> {
        self.candidates.iter().filter(move |candidate| {
            candidate.pair.is_some_and(|pair| self.pairs[pair].change == change && self.pairs[pair].outermost)
        })
    }

    /// Whether this function, undecorated before, gets code that calls what its name is bound to now.
    pub fn leads_on(&self, candidate: &Candidate<'py>) -> bool {
        let pair = candidate.pair.map(|pair| &self.pairs[pair]).filter(|pair| pair.outermost);
        let change = pair.zip(self.content).map(|(pair, content)| (pair, &content.functions[pair.change]));
        change.is_some_and(|(pair, change)| {
            (change.parts.decorators || change.parts.kind) && self.bound_plainly[pair.change]
        })
    }

    /// Refuses a change whose function does not run the code that the patch was written for.
    fn check(&mut self, index: usize, change: &FunctionChange) -> Result<(), Failure> {
        let value = self.base_value(change);
        let plainly = value
            .as_ref()
            .is_some_and(|value| self.holders_of(index).any(|found| found.holder.function.is(value)));
        self.bound_plainly[index] = plainly;
        let runs_nowhere = || interfaces::is_one(&self.namespace, &change.scope);
        if self.absent[index] || self.holders_of(index).next().is_some() || runs_nowhere() {
            return Ok(());
        }
        if change.replaced || change.conditional && self.is_other_definition(value.as_ref(), change) {
            return Ok(());
        }
        let reason = match value.as_ref().and_then(holders::plain_function) {
            Some(_) => Refusal::new(
                Reason::FingerprintMismatch,
                format!("{} runs other code than the source it was planned from", change.qualname),
            ),
            None => Refusal::new(
                Reason::TargetNotFound,
                format!("no function {} in the process", change.qualname),
            ),
        };
        Err(Failure::new(&change.patches, reason))
    }

    /// What the function's name is bound to without any patch.
    fn base_value(&self, change: &FunctionChange) -> Option<Bound<'py, PyAny>> {
        let container = match change.scope.is_empty() {
            true => Some(self.namespace.clone().into_any()),
            false => scope::class(&self.namespace, &change.scope).ok().map(Bound::into_any),
        };
        let before = container.and_then(|container| records::before(&self.key, &container, &change.name));
        before.unwrap_or_else(|| scope::lookup(&self.namespace, &change.scope, &change.name))
    }

    /// Whether the name is bound to nothing, or to another of the source's definitions of that name.
    fn is_other_definition(&self, value: Option<&Bound<'py, PyAny>>, change: &FunctionChange) -> bool {
        let Some(function) = value.and_then(holders::plain_function) else { return true };
        let running = self.candidates.iter().find(|candidate| candidate.holder.function.is(&function));
        let (Some(running), Some(old)) = (running, &self.old) else { return false };
        let name = codes::own_name(change);
        // Bound to a function of the module that was defined by another name.
        if interpreter::text(&running.base, "co_name").is_some_and(|other| other != name) {
            return true;
        }
        let definitions = codes::within(old).unwrap_or_default();
        definitions
            .iter()
            .filter(|code| interpreter::text(code, "co_name").as_deref() == Some(name))
            .any(|code| running.base.eq(code).unwrap_or(false))
    }
}
