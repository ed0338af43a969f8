//! Classes that stand in both texts: their headers, and the bodies whose values a decorator or metaclass
//! has read.

use super::class_decorator;
use super::computed::{bases, find_class, has_same_fields};
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
        let again = class.decorator_list.is_empty() || class_decorator::may_run_again(self.new, class);
        if !names.is_empty() && (has_same_fields(old, class) || again && self.may_gain(pair, class)) {
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

    /// Whether the class that is there can get what changed: all of it, or members beside those that it has.
    fn may_gain(&self, pair: &ScopePair<'_, 'a>, class: &StmtClassDef) -> bool {
        let changed = pair.origins.iter().enumerate().any(|(index, origin)| {
            let value = || Sort::of(pair.items.new[index].stmts, &pair.new_bound[index]) == Sort::Value;
            origin.is_changed() && value() && !self.is_annotation_alone(pair, index)
        });
        self.may_make_anew(class) && (!changed || self.is_typed_dict(class))
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

pub(crate) fn is_dunder(name: &str) -> bool {
    name.len() > 4 && name.starts_with("__") && name.ends_with("__")
}
