//! Drafts of namespace steps.

use super::registers::registers;
use super::scope::Scope;
use crate::dependents::{Reads, is_pure, mutated_by};
use crate::excerpt::Excerpt;
use crate::source::{Bound, Enclosing, Item, Source};
use patchctl_protocol::plan::{Action, Step, StepKind};
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

/// A step and what is needed to finish it.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// `patches` and `late` are filled in later.
    pub step: Step,
    /// Lines (index of the first and the last) of the target text that it stands on.
    pub lines: (usize, usize),
    /// Names (dotted) whose change it follows from; empty for what changed itself.
    pub because: Vec<String>,
}

/// Lines of a range.
pub(crate) fn lines(source: &Source<'_>, range: TextRange) -> (usize, usize) {
    (source.line(range.start()), source.line(range.end()))
}

/// A step that executes statements of the target text in a scope.
pub(crate) fn execute(
    source: &Source<'_>,
    scope: &Scope,
    outer: &[Enclosing<'_>],
    stmts: &[Stmt],
    kind: StepKind,
) -> Draft {
    let bound = Bound::of(source, stmts);
    let item = Item { stmts, outer: Vec::new(), opened: false };
    let mut excerpt = Excerpt::new(source);
    excerpt.keep_statements(outer, stmts);
    let touches = touches(stmts, &bound.deleted);
    let step = Step {
        scope: scope.namespace.clone(),
        action: Action::Execute,
        binds: bound.names.iter().map(|name| scope.mangle(name)).collect(),
        places: bound.places,
        source: Some(excerpt.text()),
        line: source.line_number(item.range().start()),
        replaces: false,
        late: false,
        registers: stmts.iter().any(registers),
        mutates: mutated_by(stmts).into_iter().collect(),
        touches,
        constant: constant(source, stmts),
        at_times: Vec::new(),
        star: None,
        kind,
        patches: Vec::new(),
    };
    Draft { step, lines: lines(source, item.range()), because: Vec::new() }
}

/// First names of all that statements read which do more than bind names, and those that they delete.
fn touches(stmts: &[Stmt], deleted: &[String]) -> Vec<String> {
    let definition = |stmt: &Stmt| {
        matches!(
            stmt,
            Stmt::FunctionDef(_)
                | Stmt::ClassDef(_)
                | Stmt::Import(_)
                | Stmt::ImportFrom(_)
                | Stmt::TypeAlias(_)
        )
    };
    let mut names = deleted.to_vec();
    for stmt in stmts.iter().filter(|stmt| !definition(stmt) && !is_pure(stmt) && !has_no_effect(stmt)) {
        let reads = Reads::of_statement(stmt).names;
        names.extend(reads.iter().map(|name| name.split('.').next().unwrap_or_default().to_owned()));
    }
    names.sort();
    names.dedup();
    names
}

/// The constant that statements bind names to, where that is all they do.
pub(crate) fn constant(source: &Source<'_>, stmts: &[Stmt]) -> Option<String> {
    let value = match stmts {
        [Stmt::Assign(assign)] if assign.targets.iter().all(Expr::is_name_expr) => &assign.value,
        [Stmt::AnnAssign(assign)] if assign.target.is_name_expr() => assign.value.as_ref()?,
        _ => return None,
    };
    let literal = value.is_literal_expr() && !value.is_f_string_expr() && !value.is_t_string_expr();
    literal.then(|| source.slice(value.range()).to_owned())
}

/// A step that deletes names; `line` is the one in the old text.
pub(crate) fn delete(scope: &Scope, names: Vec<String>, kind: StepKind, line: u32) -> Draft {
    let step = Step {
        scope: scope.namespace.clone(),
        action: Action::Delete,
        binds: names,
        places: Vec::new(),
        source: None,
        line,
        replaces: true,
        late: false,
        registers: false,
        mutates: Vec::new(),
        touches: Vec::new(),
        constant: None,
        at_times: Vec::new(),
        star: None,
        kind,
        patches: Vec::new(),
    };
    Draft { step, lines: (0, 0), because: Vec::new() }
}

/// What sort of thing statements are, to name a step after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Function,
    Class,
    Import,
    Value,
    /// Binds nothing.
    Other,
}

impl Sort {
    pub fn of(stmts: &[Stmt], bound: &Bound) -> Self {
        match stmts {
            [Stmt::FunctionDef(_)] => Self::Function,
            [Stmt::ClassDef(_)] => Self::Class,
            [Stmt::Import(_) | Stmt::ImportFrom(_), ..] => Self::Import,
            _ if bound.names.is_empty() && bound.places.is_empty() => Self::Other,
            _ => Self::Value,
        }
    }

    pub fn added(self, in_class: bool) -> StepKind {
        match self {
            Self::Function if in_class => StepKind::NewMethod,
            Self::Function => StepKind::NewFunction,
            Self::Class => StepKind::NewClass,
            Self::Import => StepKind::NewImport,
            Self::Value => StepKind::NewValue,
            Self::Other => StepKind::Statement,
        }
    }

    pub fn changed(self) -> StepKind {
        match self {
            Self::Function => StepKind::ChangedFunction,
            Self::Class => StepKind::ChangedClass,
            Self::Import => StepKind::ChangedImport,
            Self::Value => StepKind::ChangedValue,
            Self::Other => StepKind::Statement,
        }
    }

    pub fn removed(self) -> StepKind {
        match self {
            Self::Function => StepKind::RemovedFunction,
            Self::Class => StepKind::RemovedClass,
            Self::Import => StepKind::RemovedImport,
            Self::Value | Self::Other => StepKind::RemovedValue,
        }
    }
}

/// Whether a statement does nothing when executed: a constant, `pass`, an annotation without value.
pub(crate) fn has_no_effect(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Pass(_) | Stmt::Global(_) | Stmt::Nonlocal(_) => true,
        Stmt::Expr(expr) => expr.value.is_literal_expr() || matches!(&*expr.value, Expr::Name(_)),
        Stmt::AnnAssign(assign) => assign.value.is_none(),
        _ => false,
    }
}

/// The start of a statement's text, to name it by.
pub(crate) fn first_words(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut words: String = line.chars().take(40).collect();
    if words.len() < text.len() {
        words.push('…');
    }
    words
}
