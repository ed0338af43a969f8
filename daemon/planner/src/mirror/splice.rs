//! Splices a mirror into a module's source: definitions replace those of their name, class blocks reach into
//! the class of their name, imports and assignments act on the namespace.

use super::place::Places;
use super::reindent::{indent_of, reindent};
use crate::diff::LineEdit;
use crate::near::near_misses;
use crate::source::{Bound, Source, branches, groups, is_type_checking, same_body, same_decorators};
use ruff_python_ast::{Expr, Stmt, StmtClassDef, StmtFunctionDef};
use ruff_text_size::{Ranged, TextSize};

/// What splicing a mirror changes.
#[derive(Debug, Default)]
pub(crate) struct Spliced {
    pub edits: Vec<LineEdit>,
    /// New definitions whose names are near existing ones.
    pub notes: Vec<String>,
}

/// Finds the edits that bring a mirror into a text.
pub(crate) fn splice(target: &Source<'_>, mirror: &Source<'_>) -> Spliced {
    let mut splicer = Splicer { target, mirror, spliced: Spliced::default() };
    let end = splicer.target.line_count();
    splicer.scope(&Scope { body: target.body(), indent: "", end, class: None }, mirror.body());
    let mut spliced = splicer.spliced;
    spliced.edits.sort_by_key(|edit| (edit.start, edit.removed > 0));
    spliced
}

/// A scope of the target.
struct Scope<'a, 'c> {
    body: &'a [Stmt],
    indent: &'c str,
    /// Index of the line behind its last one.
    end: usize,
    class: Option<&'c str>,
}

struct Splicer<'s, 't, 'm> {
    target: &'s Source<'t>,
    mirror: &'s Source<'m>,
    spliced: Spliced,
}

impl Splicer<'_, '_, '_> {
    fn scope(&mut self, scope: &Scope<'_, '_>, mirror: &[Stmt]) {
        let known = flat(self.target, scope.body);
        let mut new: Vec<&Stmt> = Vec::new();
        let mut first_changed: Option<TextSize> = None;
        for stmt in mirror.iter().filter(|stmt| !is_filler(stmt)) {
            match self.counterpart(stmt, &known) {
                Counterpart::Function(old, def) => {
                    first_changed = earlier(first_changed, old.start());
                    self.function(old, def);
                }
                Counterpart::Class(old, class) => {
                    first_changed = earlier(first_changed, old.start());
                    self.class(old, class);
                }
                Counterpart::Statement(old) => {
                    first_changed = earlier(first_changed, old.start());
                    self.replace(old.start(), old.end(), stmt);
                }
                Counterpart::Behind(old) => self.behind(old, stmt),
                Counterpart::Same => {}
                Counterpart::None => new.push(stmt),
            }
        }
        let changed = first_changed.and_then(|offset| scope.body.iter().position(|stmt| stmt.end() > offset));
        let mut places = Places::new(self.target, scope.body, changed);
        for stmt in new {
            let index = places.of(self.mirror, stmt);
            self.note_near(scope, stmt, &known);
            self.insert(scope, index, stmt);
        }
    }

    /// Which statement of the target a statement of the mirror stands for.
    fn counterpart<'k, 'a>(&self, stmt: &'k Stmt, known: &[&'a Stmt]) -> Counterpart<'a, 'k> {
        match stmt {
            Stmt::FunctionDef(def) => {
                let named = known.iter().filter_map(|stmt| stmt.as_function_def_stmt());
                let named: Vec<&StmtFunctionDef> =
                    named.filter(|old| old.name.as_str() == def.name.as_str()).collect();
                let equal =
                    named.iter().rfind(|old| same_decorators(&old.decorator_list, &def.decorator_list));
                match (equal.or(named.last()), equal.is_none() && extends_own_name(def)) {
                    (Some(old), true) => Counterpart::Behind(old),
                    (Some(old), false) => Counterpart::Function(old, def),
                    (None, _) => Counterpart::None,
                }
            }
            Stmt::ClassDef(class) => {
                let mut named = known.iter().rev().filter_map(|stmt| stmt.as_class_def_stmt());
                let found = named.find(|old| old.name.as_str() == class.name.as_str());
                found.map_or(Counterpart::None, |old| Counterpart::Class(old, class))
            }
            Stmt::Import(_) | Stmt::ImportFrom(_) => {
                let there =
                    known.iter().any(|old| same_body(std::slice::from_ref(*old), std::slice::from_ref(stmt)));
                if there { Counterpart::Same } else { Counterpart::None }
            }
            Stmt::Assign(_) | Stmt::AnnAssign(_) => self.assignment(stmt, known),
            _ => Counterpart::None,
        }
    }

    /// The last assignment of the same names, if it is nothing else and stands alone on its lines.
    fn assignment<'k, 'a>(&self, stmt: &Stmt, known: &[&'a Stmt]) -> Counterpart<'a, 'k> {
        let names = Bound::of(self.mirror, std::slice::from_ref(stmt)).names;
        let assigns = |old: &&&Stmt| {
            let bound = Bound::of(self.target, std::slice::from_ref(**old));
            matches!(old, Stmt::Assign(_) | Stmt::AnnAssign(_)) && !names.is_empty() && bound.names == names
        };
        known.iter().rfind(assigns).map_or(Counterpart::None, |old| Counterpart::Statement(old))
    }

    /// Replaces a function; where the mirror gives no decorators, the old ones stay.
    fn function(&mut self, old: &StmtFunctionDef, new: &StmtFunctionDef) {
        let keyword = self.target.keyword(old.range, &old.decorator_list);
        let start = if new.decorator_list.is_empty() { keyword } else { old.start() };
        let lines = reindent(self.mirror, new.start(), new.end(), indent_of(self.target, keyword));
        self.edit(start, old.end(), lines);
    }

    /// Reaches into a class.
    fn class(&mut self, old: &StmtClassDef, new: &StmtClassDef) {
        let keyword = self.target.keyword(old.range, &old.decorator_list);
        if self.target.is_one_line(&old.body) {
            return self.one_line_class(old, new);
        }
        let indent = old.body.first().map_or("", |first| indent_of(self.target, first.start()));
        let header = self.target.line(keyword);
        let end = self.target.line(old.end()).max(header) + 1;
        let scope = Scope { body: &old.body, indent, end, class: Some(&old.name) };
        self.scope(&scope, &new.body);
    }

    /// Gives a class that stands on one line a body of its own.
    fn one_line_class(&mut self, old: &StmtClassDef, new: &StmtClassDef) {
        let Some(first) = old.body.first() else { return };
        let keyword = self.target.keyword(old.range, &old.decorator_list);
        let outer = indent_of(self.target, keyword);
        let header = &self.target.text[keyword.to_usize()..first.start().to_usize()];
        let mut lines = vec![format!("{outer}{}", header.trim_end())];
        let indent = format!("{outer}    ");
        let kept: Vec<&Stmt> = old.body.iter().filter(|stmt| !is_filler(stmt)).collect();
        lines.extend(kept.iter().map(|stmt| format!("{indent}{}", self.target.slice(stmt.range()))));
        for stmt in new.body.iter().filter(|stmt| !is_filler(stmt)) {
            lines.extend(reindent(self.mirror, stmt.start(), stmt.end(), &indent));
        }
        self.edit(keyword, old.end(), lines);
    }

    fn replace(&mut self, start: TextSize, end: TextSize, new: &Stmt) {
        let lines = reindent(self.mirror, new.start(), new.end(), indent_of(self.target, start));
        self.edit(start, end, lines);
    }

    /// Adds a definition right behind another.
    fn behind(&mut self, old: &StmtFunctionDef, new: &Stmt) {
        let keyword = self.target.keyword(old.range, &old.decorator_list);
        let mut lines = vec![String::new()];
        lines.extend(reindent(self.mirror, new.start(), new.end(), indent_of(self.target, keyword)));
        let start = self.target.line(old.end()) + 1;
        self.spliced.edits.push(LineEdit { start, removed: 0, inserted: lines, unterminated: false });
    }

    fn insert(&mut self, scope: &Scope<'_, '_>, index: usize, stmt: &Stmt) {
        let mut lines = reindent(self.mirror, stmt.start(), stmt.end(), scope.indent);
        let definition = matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_));
        let blank = if scope.class.is_some() { 1 } else { 2 };
        let import = matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_));
        let previous = index.checked_sub(1).and_then(|index| scope.body.get(index));
        let start = match (scope.body.get(index), previous) {
            (Some(next), None) => self.target.line(next.start()),
            (Some(next), Some(_)) if !import => self.target.line(next.start()),
            (_, Some(previous)) => self.target.line(previous.end()) + 1,
            (None, None) => scope.end,
        };
        if definition {
            let at = if index < scope.body.len() { lines.len() } else { 0 };
            lines.splice(at..at, vec![String::new(); blank]);
        }
        self.spliced.edits.push(LineEdit { start, removed: 0, inserted: lines, unterminated: false });
    }

    /// Replaces whole lines.
    fn edit(&mut self, start: TextSize, end: TextSize, inserted: Vec<String>) {
        let (first, last) = (self.target.line(start), self.target.line(end));
        let removed = last + 1 - first;
        self.spliced.edits.push(LineEdit { start: first, removed, inserted, unterminated: false });
    }

    fn note_near(&mut self, scope: &Scope<'_, '_>, stmt: &Stmt, known: &[&Stmt]) {
        let (Stmt::FunctionDef(StmtFunctionDef { name, .. }) | Stmt::ClassDef(StmtClassDef { name, .. })) =
            stmt
        else {
            return;
        };
        let names = known.iter().filter_map(|stmt| match stmt {
            Stmt::FunctionDef(def) => Some(def.name.as_str()),
            Stmt::ClassDef(class) => Some(class.name.as_str()),
            _ => None,
        });
        if let Some(near) = near_misses(name, names).first() {
            let place = scope.class.map(|class| format!(" in {class}")).unwrap_or_default();
            self.spliced.notes.push(format!("`{name}` is new{place}; there is `{near}`"));
        }
    }
}

/// What a statement of the mirror stands for in the target.
enum Counterpart<'a, 'k> {
    Function(&'a StmtFunctionDef, &'k StmtFunctionDef),
    Class(&'a StmtClassDef, &'k StmtClassDef),
    Statement(&'a Stmt),
    /// A setter or the like of a definition that is there.
    Behind(&'a StmtFunctionDef),
    /// It is there already.
    Same,
    None,
}

fn earlier(first: Option<TextSize>, offset: TextSize) -> Option<TextSize> {
    Some(first.map_or(offset, |first| first.min(offset)))
}

/// The statements of a scope, those in branches included; statements that share a line are left out, for
/// they can't be replaced by lines.
fn flat<'a>(source: &Source<'_>, body: &'a [Stmt]) -> Vec<&'a Stmt> {
    let mut found = Vec::new();
    for group in groups(source, body) {
        let [only] = group else { continue };
        let branches = branches(source, only);
        if branches.is_empty() {
            found.push(only);
        }
        for branch in branches {
            found.extend(flat(source, branch.body));
        }
    }
    found
}

/// What a mirror may hold without meaning anything.
fn is_filler(stmt: &Stmt) -> bool {
    let constant = |expr: &Expr| matches!(expr, Expr::StringLiteral(_) | Expr::EllipsisLiteral(_));
    match stmt {
        Stmt::Pass(_) => true,
        Stmt::Expr(expr) => constant(&expr.value),
        _ => is_type_checking(stmt),
    }
}

/// `@name.setter` and the like on a definition of that name.
fn extends_own_name(def: &StmtFunctionDef) -> bool {
    def.decorator_list.iter().any(|decorator| {
        let expression = match &decorator.expression {
            Expr::Call(call) => &*call.func,
            other => other,
        };
        let Expr::Attribute(attribute) = expression else { return false };
        matches!(&*attribute.value, Expr::Name(name) if name.id.as_str() == def.name.as_str())
    })
}
