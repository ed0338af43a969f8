//! Plans for modules without source: the definitions of a Python patch by their qualnames,
//! and edits.

use crate::attribution::Attribution;
use crate::changes::{Scope, execute};
use crate::compose::{Composed, compose};
use crate::edits::edits;
use crate::patch::{Body, Patch, digest};
use crate::skeleton::{plain, skeleton};
use crate::source::{Bound, Enclosing, Item, Source, items_of};
use crate::stack::with_deep_stack;
use patchctl_protocol::plan::{FunctionChange, Parts, Plan, Step, StepKind};
use patchctl_protocol::state::{Reason, Refusal};
use ruff_python_ast::{Stmt, StmtFunctionDef};
use ruff_text_size::Ranged;

/// The plan for a module without source. Whether a definition exists in the process is found there: one that
/// does takes the new code, another is made anew.
///
/// # Errors
/// `needs-source` for a diff, and for fingerprints, which are taken of source; `syntax-error`.
pub fn plan_without_source(module: &str, patches: &[&Patch]) -> Result<Plan, Refusal> {
    with_deep_stack(|| {
        for patch in patches {
            check(module, patch)?;
        }
        let Composed { text, skipped, contributions, .. } = compose(module, false, "", patches);
        if let Some((_, refusal)) = skipped.into_iter().next() {
            return Err(refusal);
        }
        let source = Source::parse(&text, module)?;
        let by = Attribution::new(&contributions);
        let mut collector = Collector { source: &source, by, functions: Vec::new(), steps: Vec::new() };
        collector.scope(&Scope::default(), source.body(), &[]);
        let mut plan = collector.plan();
        plan.edits = edits(patches);
        Ok(plan)
    })
}

fn check(module: &str, patch: &Patch) -> Result<(), Refusal> {
    let needs = |what: &str| {
        let detail = format!("{module} has no source, and {} {what}", patch.id);
        Err(Refusal::new(Reason::NeedsSource, detail))
    };
    match patch.body {
        Body::Diff(_) => needs("is a diff"),
        Body::Python(_) | Body::Edits(_) if !patch.header.fingerprint.is_empty() => {
            needs("has fingerprints of it")
        }
        Body::Python(_) | Body::Edits(_) => Ok(()),
    }
}

struct Function<'a> {
    scope: Scope,
    def: &'a StmtFunctionDef,
    outer: Vec<Enclosing<'a>>,
}

struct Collector<'s, 't, 'a> {
    source: &'s Source<'t>,
    by: Attribution<'s>,
    functions: Vec<Function<'a>>,
    steps: Vec<Step>,
}

impl<'a> Collector<'_, '_, 'a> {
    fn scope(&mut self, scope: &Scope, body: &'a [Stmt], outer: &[Enclosing<'a>]) {
        for item in items_of(self.source, body, outer) {
            match item.only() {
                Some(Stmt::FunctionDef(def)) => self.function(scope, def, &item),
                Some(Stmt::ClassDef(class)) => {
                    let outer = [&item.outer[..], &[Enclosing::Class(class)]].concat();
                    self.scope(&scope.inner(&class.name), &class.body, &outer);
                }
                _ => self.statement(scope, &item, StepKind::NewValue),
            }
        }
    }

    fn function(&mut self, scope: &Scope, def: &'a StmtFunctionDef, item: &Item<'a>) {
        if !def.decorator_list.is_empty() {
            self.statement(scope, item, StepKind::ChangedFunction);
        }
        self.functions.push(Function { scope: scope.clone(), def, outer: item.outer.clone() });
    }

    fn statement(&mut self, scope: &Scope, item: &Item<'a>, kind: StepKind) {
        let effect = |stmt: &Stmt| !matches!(stmt, Stmt::Pass(_)) && !is_constant(stmt);
        if !item.stmts.iter().any(effect) {
            return;
        }
        let bound = Bound::of(self.source, item.stmts);
        let import = matches!(item.only(), Some(Stmt::Import(_) | Stmt::ImportFrom(_)));
        let kind = match kind {
            StepKind::NewValue if import => StepKind::NewImport,
            StepKind::NewValue if bound.names.is_empty() && bound.places.is_empty() => StepKind::Statement,
            kind => kind,
        };
        let mut draft = execute(self.source, scope, &item.outer, item.stmts, kind);
        draft.step.patches = self.by.of(draft.lines);
        self.steps.push(draft.step);
    }

    fn plan(self) -> Plan {
        let kept: Vec<_> = self.functions.iter().map(|f| (&f.scope, f.def, &f.outer[..])).collect();
        Plan {
            target: digest(self.source.text.as_bytes()),
            old_skeleton: None,
            new_skeleton: skeleton(self.source, &kept, &[], &[]),
            functions: self.functions.iter().map(|function| self.change(function)).collect(),
            steps: self.steps,
            ..Plan::default()
        }
    }

    /// What the old function is like is not known here, so its defaults and annotations are taken over too.
    fn change(&self, function: &Function<'_>) -> FunctionChange {
        let Function { scope, def, outer } = function;
        let parts = Parts {
            code: true,
            defaults: true,
            annotations: true,
            decorators: !def.decorator_list.is_empty(),
            ..Parts::default()
        };
        FunctionChange {
            scope: scope.namespace.clone(),
            name: scope.mangle(&def.name),
            qualname: scope.dotted(&def.name),
            old_line: 0,
            new_line: self.source.line_number(def.start()),
            parts,
            source: Some(plain(self.source, def, outer)),
            conditional: false,
            replaced: false,
            patches: self.by.of((self.source.line(def.start()), self.source.line(def.end()))),
        }
    }
}

fn is_constant(stmt: &Stmt) -> bool {
    matches!(stmt, Stmt::Expr(expr) if expr.value.is_literal_expr())
}
