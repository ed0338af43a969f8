//! Classes that stand in both texts: their headers, and the bodies whose values a decorator or metaclass
//! has read.

use super::class_decorator;
use super::scope::Scope;
use super::scope_pair::{ClassPair, ScopePair};
use super::step::{self, Sort};
use super::walk::Walker;
use crate::excerpt::Excerpt;
use crate::pair::Origin;
use crate::source::{Bound, Enclosing, same_decorators, same_expr, same_optional, same_type_params};
use patchctl_protocol::plan::{Action, Stale, StepKind};
use ruff_python_ast::{Expr, Keyword, Stmt, StmtClassDef};
use ruff_text_size::Ranged;

/// Bases whose metaclass computes the class from its body, once.
const COMPUTED_BASES: [&str; 13] = [
    "Enum",
    "IntEnum",
    "StrEnum",
    "Flag",
    "IntFlag",
    "ReprEnum",
    "NamedTuple",
    "TypedDict",
    "BaseModel",
    "Struct",
    "SQLModel",
    "Structure",
    "Model",
];

impl<'a> Walker<'_, '_, '_, 'a> {
    /// A class in both texts: its header, then its body.
    pub fn class(
        &mut self,
        scope: &Scope,
        classes: ClassPair<'a>,
        old_outer: &[Enclosing<'a>],
        new_outer: &[Enclosing<'a>],
    ) {
        let ClassPair { old, new } = classes;
        self.class_header(scope, classes, new_outer);
        let inner = scope.inner(&new.name);
        let old_outer = [old_outer, &[Enclosing::Class(old)]].concat();
        let new_outer = [new_outer, &[Enclosing::Class(new)]].concat();
        self.scope(&inner, Some(classes), (&old.body, &old_outer), (&new.body, &new_outer));
    }

    fn class_header(&mut self, scope: &Scope, classes: ClassPair<'a>, outer: &[Enclosing<'a>]) {
        let ClassPair { old, new } = classes;
        let name = scope.dotted(&new.name);
        let line = self.new.line_number(self.new.keyword(new.range, &new.decorator_list));
        if !class_decorator::may_change(self.new, old, new) {
            self.unsupported(name, line, "the decorators of a class changed");
        } else if !same_type_params(old.type_params.as_deref(), new.type_params.as_deref()) {
            self.unsupported(name, line, "the type parameters of a class changed");
        } else if !same_keywords(keywords(old), keywords(new)) {
            self.unsupported(name, line, "the metaclass or a keyword of a class changed");
        } else if !same_bases(old, new) {
            self.changes.beyond_functions = true;
            let mut excerpt = Excerpt::new(self.new);
            excerpt.keep_class_header(outer, new);
            let mut draft = step::delete(scope, Vec::new(), StepKind::ChangedClass, line);
            draft.step.scope = scope.inner(&new.name).namespace;
            draft.step.action = Action::Rebase;
            draft.step.binds = vec![scope.mangle(&new.name)];
            draft.step.source = Some(excerpt.text());
            let keyword = self.new.line(self.new.keyword(new.range, &new.decorator_list));
            draft.lines = (keyword, keyword);
            self.changes.steps.push(draft);
        }
    }

    /// Values of a class body that a decorator or metaclass has read: true where this took the place of
    /// the single steps.
    pub fn special_class(&mut self, pair: &ScopePair<'_, 'a>) -> bool {
        let Some(ClassPair { old, new: class }) = pair.class else { return false };
        self.slots(pair);
        let redecorated = !same_decorators(&old.decorator_list, &class.decorator_list);
        let decorated = redecorated || class.decorator_list.iter().any(class_decorator::may_compute);
        let names = self.changed_values(pair, decorated);
        if names.is_empty() && !redecorated {
            return false;
        }
        if !names.is_empty() && has_same_fields(old, class) {
            self.regenerate(pair, class, names);
            return true;
        }
        if !names.is_empty() && self.is_computed(class) {
            let line = self.new.line_number(class.name.start());
            let detail = format!(
                "values in the body of a class that its metaclass computes from ({})",
                names.join(", ")
            );
            self.unsupported(pair.scope.classes.join("."), line, &detail);
            return false;
        }
        if !decorated {
            return false;
        }
        if !class_decorator::may_run_again(self.new, class) {
            self.note_decorators(pair.scope, class);
            return false;
        }
        self.regenerate(pair, class, names);
        true
    }

    /// Its decorators may have computed something from the body, and can't be asked again.
    fn note_decorators(&mut self, scope: &Scope, class: &StmtClassDef) {
        let line = self.new.line_number(class.name.start());
        let because = "what its decorators made of it".to_owned();
        self.changes.stale.push(Stale { name: scope.classes.join("."), line, because, file: None });
    }

    fn regenerate(&mut self, pair: &ScopePair<'_, 'a>, class: &'a StmtClassDef, names: Vec<String>) {
        let outer = pair.class_outer();
        let around = &outer[..outer.len().saturating_sub(1)];
        let whole = find_class(
            self.new.body(),
            &|stmt| matches!(stmt, Stmt::ClassDef(found) if std::ptr::eq(found, class)),
        );
        let Some(whole) = whole else { return };
        let mut draft =
            step::execute(self.new, pair.scope, around, std::slice::from_ref(whole), StepKind::ChangedClass);
        draft.step.action = Action::Regenerate;
        draft.step.scope = pair.scope.namespace.clone();
        draft.step.binds = names;
        draft.step.places = Vec::new();
        draft.step.replaces = true;
        self.changes.steps.push(draft);
    }

    fn slots(&mut self, pair: &ScopePair<'_, 'a>) {
        let touches = |bounds: &[Bound], index: usize| bounds[index].names.iter().any(|n| n == "__slots__");
        let changed = pair.execute.iter().any(|index| touches(&pair.new_bound, *index));
        let removed = pair.bound_before("__slots__")
            && !pair.new_bound.iter().any(|b| b.names.iter().any(|n| n == "__slots__"));
        // What instances can hold decides, where their class alone is changed.
        let plain =
            |class: ClassPair<'a>| class.new.decorator_list.is_empty() && !self.is_computed(class.new);
        if removed || changed && !pair.class.is_some_and(plain) {
            let line = pair.class.map_or(0, |class| self.new.line_number(class.new.name.start()));
            self.unsupported(pair.scope.dotted("__slots__"), line, "the layout of instances changed");
        }
    }

    /// Names of the body whose statements changed, where a decorator or metaclass may have read them.
    fn changed_values(&self, pair: &ScopePair<'_, 'a>, decorated: bool) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut add = |bound: &Bound, stmts: &[Stmt]| {
            let sort = Sort::of(stmts, bound);
            let special = |name: &&String| sort == Sort::Value || decorated && is_dunder(name);
            names.extend(bound.names.iter().filter(special).map(|name| pair.scope.mangle(name)));
            let annotated = stmts.iter().filter_map(Stmt::as_ann_assign_stmt);
            let targets = annotated.filter_map(|assign| assign.target.as_name_expr());
            names.extend(targets.map(|name| pair.scope.mangle(&name.id)));
        };
        for (index, origin) in pair.origins.iter().enumerate() {
            let function =
                matches!(pair.items.new[index].only(), Some(Stmt::FunctionDef(_) | Stmt::ClassDef(_)));
            match origin {
                Origin::Changed(_) if self.is_annotation_alone(pair, index) => {}
                Origin::Changed(_) if !function => add(&pair.new_bound[index], pair.items.new[index].stmts),
                Origin::New => add(&pair.new_bound[index], pair.items.new[index].stmts),
                _ => {}
            }
        }
        let kept = |old: usize| {
            pair.origins.iter().any(|o| matches!(o, Origin::Same(i) | Origin::Changed(i) if *i == old))
        };
        for (index, item) in pair.items.old.iter().enumerate().filter(|(i, _)| !kept(*i)) {
            add(&pair.old_bound[index], item.stmts);
        }
        names.sort();
        names.dedup();
        names
    }

    /// Whether a class, or one of its bases in this module, has a base whose metaclass computes it.
    pub fn is_computed(&self, class: &StmtClassDef) -> bool {
        let mut seen: Vec<&str> = Vec::new();
        let mut waiting: Vec<&StmtClassDef> = vec![class];
        while let Some(class) = waiting.pop() {
            for base in bases(class) {
                let Some(name) = last_name(base) else { continue };
                if COMPUTED_BASES.contains(&name) {
                    return true;
                }
                if !seen.contains(&name) {
                    seen.push(name);
                    let found = find_class(
                        self.new.body(),
                        &|stmt| matches!(stmt, Stmt::ClassDef(other) if other.name.as_str() == name),
                    );
                    waiting.extend(found.and_then(Stmt::as_class_def_stmt));
                }
            }
        }
        false
    }
}

/// Finds a class anywhere in the scopes of a module.
fn find_class<'b>(body: &'b [Stmt], wanted: &dyn Fn(&'b Stmt) -> bool) -> Option<&'b Stmt> {
    body.iter().find_map(|stmt| {
        if wanted(stmt) {
            return Some(stmt);
        }
        match stmt {
            Stmt::ClassDef(class) => find_class(&class.body, wanted),
            Stmt::If(node) => find_class(&node.body, wanted).or_else(|| {
                node.elif_else_clauses.iter().find_map(|clause| find_class(&clause.body, wanted))
            }),
            Stmt::Try(node) => find_class(&node.body, wanted)
                .or_else(|| {
                    let mut handlers = node.handlers.iter().filter_map(|h| h.as_except_handler());
                    handlers.find_map(|handler| find_class(&handler.body, wanted))
                })
                .or_else(|| find_class(&node.orelse, wanted))
                .or_else(|| find_class(&node.finalbody, wanted)),
            Stmt::With(node) => find_class(&node.body, wanted),
            Stmt::For(node) => find_class(&node.body, wanted),
            Stmt::While(node) => find_class(&node.body, wanted),
            _ => None,
        }
    })
}

pub(super) fn bases(class: &StmtClassDef) -> &[Expr] {
    class.arguments.as_ref().map_or(&[], |arguments| &arguments.args)
}

/// Whether two classes are named tuples of the same fields, so that no more than defaults differ.
fn has_same_fields(old: &StmtClassDef, new: &StmtClassDef) -> bool {
    let named = |class: &StmtClassDef| bases(class).iter().filter_map(last_name).any(|n| n == "NamedTuple");
    let fields = |class: &StmtClassDef| -> Vec<String> {
        let annotated = class.body.iter().filter_map(Stmt::as_ann_assign_stmt);
        annotated.filter_map(|assign| Some(assign.target.as_name_expr()?.id.to_string())).collect()
    };
    named(old) && named(new) && fields(old) == fields(new)
}

fn keywords(class: &StmtClassDef) -> &[Keyword] {
    class.arguments.as_ref().map_or(&[], |arguments| &arguments.keywords)
}

fn same_bases(old: &StmtClassDef, new: &StmtClassDef) -> bool {
    let [old, new] = [old, new].map(|class| match bases(class) {
        [Expr::Name(name)] if name.id == "object" => &[],
        bases => bases,
    });
    old.len() == new.len() && old.iter().zip(new).all(|(a, b)| same_expr(a, b))
}

fn same_keywords(old: &[Keyword], new: &[Keyword]) -> bool {
    let same = |(a, b): (&Keyword, &Keyword)| {
        a.arg.as_deref() == b.arg.as_deref() && same_optional(Some(&a.value), Some(&b.value))
    };
    old.len() == new.len() && old.iter().zip(new).all(same)
}

/// The last name of a dotted name, or of a subscripted one.
pub(super) fn last_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Name(name) => Some(&name.id),
        Expr::Attribute(attribute) => Some(&attribute.attr),
        Expr::Subscript(subscript) => last_name(&subscript.value),
        _ => None,
    }
}

pub(crate) fn is_dunder(name: &str) -> bool {
    name.len() > 4 && name.starts_with("__") && name.ends_with("__")
}
