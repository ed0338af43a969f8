//! From two texts of a module to the plan that leads from one to the other.

use crate::attribution::Attribution;
use crate::changes::{self, Changes, Draft, FunctionPair, LambdaPair, Scope};
use crate::compose::Contribution;
use crate::dependents;
use crate::graftable::{is_graftable, may_hide_objects};
use crate::patch::digest;
use crate::replaced::Replacements;
use crate::skeleton::{is_conditional, plain, skeleton};
use crate::source::{Enclosing, Source};
use crate::stack::with_deep_stack;
use patchctl_protocol::hook::Phase;
use patchctl_protocol::plan::{Action, Computed, FunctionChange, Plan, Stale, Step, StepKind};
use patchctl_protocol::state::Refusal;
use ruff_python_ast::{ExprLambda, StmtFunctionDef};
use ruff_text_size::Ranged;
use std::collections::BTreeSet;

/// What `co_name` says of a lambda.
const LAMBDA: &str = "<lambda>";

/// Lines that no text has.
const NOWHERE: (usize, usize) = (usize::MAX, usize::MAX);

/// The texts of a module between which a plan leads.
pub struct Texts<'a> {
    pub module: &'a str,
    /// Whether the module is a package (its file is an `__init__.py`).
    pub is_package: bool,
    /// What is installed.
    pub original: &'a str,
    /// What the process's untouched objects come from; `original`, unless it was imported with patches.
    pub running: &'a str,
    /// What it should run.
    pub target: &'a str,
    /// Which patch changed which lines of `target`.
    pub contributions: &'a [Contribution],
}

/// What the planner is asked for beside the texts.
#[derive(Clone, Copy, Debug)]
pub struct PlanOptions<'a> {
    /// Dotted names of stale values to compute anew, or `all`.
    pub renew: &'a [String],
    pub phase: Phase,
}

/// What leads from the running text to the target text.
///
/// # Errors
/// `syntax-error`, with line and column, where a text is not Python.
pub fn plan(texts: &Texts<'_>, options: &PlanOptions<'_>) -> Result<Plan, Refusal> {
    with_deep_stack(|| plan_on_stack(texts, options))
}

fn plan_on_stack(texts: &Texts<'_>, options: &PlanOptions<'_>) -> Result<Plan, Refusal> {
    let mut plan = Plan {
        original: digest(texts.original.as_bytes()),
        target: digest(texts.target.as_bytes()),
        old_skeleton: Some(String::new()),
        ..Plan::default()
    };
    if texts.running == texts.target {
        return Ok(plan);
    }
    let new = Source::parse(texts.target, &format!("patched source of {}", texts.module))?;
    let old = Source::parse(texts.running, &format!("source of {}", texts.module))?;
    let mut changes = changes::find(&old, &new);
    if options.phase == Phase::Import {
        changes.stale.clear();
    }
    dependents::add(&new, &mut changes, options.renew, options.phase);
    let builder = Builder { old: &old, new: &new, by: Attribution::new(texts.contributions) };
    let whole = changes.beyond_functions || changes.functions.iter().any(|pair| !is_graftable(pair));
    let later = options.phase == Phase::Import && may_hide_objects(&old, &changes);
    builder.fill(&mut plan, changes);
    match options.phase {
        Phase::Import if whole && !later => plan.source = Some(texts.target.to_owned()),
        Phase::Import if !later => plan.computed = builder.computed(),
        _ => {}
    }
    Ok(plan)
}

struct Builder<'s, 't, 'u> {
    old: &'s Source<'t>,
    new: &'s Source<'u>,
    by: Attribution<'s>,
}

type Kept<'k, 'a> = (&'k Scope, &'a StmtFunctionDef, &'k [Enclosing<'a>]);

impl Builder<'_, '_, '_> {
    fn fill(&self, plan: &mut Plan, mut changes: Changes<'_>) {
        let pairs = &changes.functions;
        let old: Vec<Kept<'_, '_>> = pairs.iter().map(|p| (&p.scope, p.old, &p.old_outer[..])).collect();
        let new: Vec<Kept<'_, '_>> = pairs.iter().map(|p| (&p.scope, p.new, &p.new_outer[..])).collect();
        if !pairs.is_empty() || !changes.lambdas.is_empty() {
            let old_lambdas: Vec<_> = changes.lambdas.iter().map(|pair| &pair.old).collect();
            let new_lambdas: Vec<_> = changes.lambdas.iter().map(|pair| &pair.new).collect();
            plan.old_skeleton = Some(skeleton(self.old, &old, &old_lambdas, &changes.old_functions));
            plan.new_skeleton = skeleton(self.new, &new, &new_lambdas, &changes.new_functions);
        }
        let items = if pairs.is_empty() { &[][..] } else { &changes.items };
        let replacements = Replacements::of(self.new, items);
        plan.functions = pairs.iter().map(|pair| self.function(pair, &changes, &replacements)).collect();
        plan.functions.extend(changes.lambdas.iter().flat_map(|pair| self.lambdas(pair, &changes)));
        changes.steps.sort_by_key(|draft| draft.step.line);
        let drafts = changes.steps.iter().chain(&changes.deletions);
        plan.steps = drafts.map(|draft| self.step(draft, &changes)).collect();
        plan.unsupported = std::mem::take(&mut changes.unsupported);
        for unsupported in &mut plan.unsupported {
            let line = (unsupported.line as usize).saturating_sub(1);
            unsupported.patches = self.by.of((line, line));
        }
        plan.affected = std::mem::take(&mut changes.affected);
        for affected in &mut plan.affected {
            affected.patches = self.causes(std::slice::from_ref(&affected.because), &changes);
        }
        plan.stale = std::mem::take(&mut changes.stale);
        plan.stale.sort_by_key(|stale| stale.line);
    }

    /// What the module computes with the functions that change: all that would be computed anew, or stay behind,
    /// if they changed later.
    fn computed(&self) -> Vec<Computed> {
        let mut changes = changes::find(self.old, self.new);
        let values = dependents::values(self.new, &mut changes);
        let of = |value: Stale| Computed {
            patches: self.causes(std::slice::from_ref(&value.because), &changes),
            value,
        };
        values.into_iter().map(of).collect()
    }

    /// Ids of the patches behind changes of names, by the lines where those stand.
    fn causes(&self, because: &[String], changes: &Changes<'_>) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        let dotted = |scope: &[String], name: &str| [scope, &[name.to_owned()]].concat().join(".");
        for pair in &changes.functions {
            let name = dotted(&pair.scope.namespace, &pair.scope.mangle(&pair.new.name));
            if pair.because.is_empty() && because.contains(&name) {
                ids.extend(self.by.of(self.lines_of(pair)));
            }
        }
        for draft in changes.steps.iter().filter(|draft| draft.because.is_empty()) {
            let mut names = draft.step.binds.iter().map(|name| dotted(&draft.step.scope, name));
            let places = draft.step.places.iter().map(|place| format!("{}.{}", place.object, place.key));
            if names.any(|name| because.contains(&name)) || places.into_iter().any(|p| because.contains(&p)) {
                ids.extend(self.by.of(draft.lines));
            }
        }
        ids.sort();
        ids.dedup();
        if ids.is_empty() { self.by.of(NOWHERE) } else { ids }
    }

    fn lines_of(&self, pair: &FunctionPair<'_>) -> (usize, usize) {
        (self.new.line(pair.new.start()), self.new.line(pair.new.end()))
    }

    fn function(
        &self,
        pair: &FunctionPair<'_>,
        changes: &Changes<'_>,
        replacements: &Replacements,
    ) -> FunctionChange {
        let FunctionPair { scope, parts, .. } = pair;
        let needs_source = parts.defaults || parts.annotations || parts.decorators || parts.kind;
        FunctionChange {
            scope: scope.namespace.clone(),
            name: scope.mangle(&pair.new.name),
            qualname: scope.dotted(&pair.new.name),
            old_line: self.old.line_number(pair.old.start()),
            new_line: self.new.line_number(pair.new.start()),
            parts: *parts,
            source: needs_source.then(|| plain(self.new, pair.new, &pair.new_outer)),
            conditional: is_conditional(pair, &changes.old_functions, &changes.new_functions),
            // No function is missed for annotations that follow from something else.
            replaced: replacements.replace(pair) || !pair.because.is_empty() && parts.is_annotations_only(),
            patches: if pair.because.is_empty() {
                self.by.of(self.lines_of(pair))
            } else {
                self.causes(&pair.because, changes)
            },
        }
    }

    /// The lambdas of a statement, a change for each line: they have no name to tell them apart.
    fn lambdas(&self, pair: &LambdaPair<'_>, changes: &Changes<'_>) -> Vec<FunctionChange> {
        let line = |source: &Source<'_>, lambda: &ExprLambda| source.line_number(lambda.start());
        let lines: BTreeSet<(u32, u32)> =
            pair.lambdas.iter().map(|(old, new)| (line(self.old, old), line(self.new, new))).collect();
        let range = pair.new.range();
        let patches = match pair.because.is_empty() {
            true => self.by.of((self.new.line(range.start()), self.new.line(range.end()))),
            false => self.causes(&pair.because, changes),
        };
        let statement =
            || changes::execute(self.new, &pair.scope, &pair.new.outer, pair.new.stmts, StepKind::Renewed);
        let source = if pair.parts.defaults { statement().step.source } else { None };
        let change = |(old_line, new_line)| FunctionChange {
            scope: pair.scope.namespace.clone(),
            name: LAMBDA.to_owned(),
            qualname: pair.scope.dotted(&format!("{}.{LAMBDA}", pair.name)),
            old_line,
            new_line,
            parts: pair.parts,
            source: source.clone(),
            conditional: false,
            replaced: false,
            patches: patches.clone(),
        };
        lines.into_iter().map(change).collect()
    }

    fn step(&self, draft: &Draft, changes: &Changes<'_>) -> Step {
        let patches = if draft.step.action == Action::Delete {
            self.by.of_removal()
        } else if draft.because.is_empty() {
            self.by.of(draft.lines)
        } else {
            self.causes(&draft.because, changes)
        };
        Step { patches, ..draft.step.clone() }
    }
}
