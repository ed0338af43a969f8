//! Pairs the items of a scope in two texts: which one became which.

use crate::source::{
    Bound, Enclosing, Item, Source, branches, groups, is_main_block, is_type_checking, same_decorators,
    same_header, same_statements,
};
use ruff_python_ast::{Decorator, Stmt};
use rustc_hash::FxHashMap;

/// The items of a scope in both texts.
pub(crate) struct ScopeItems<'a> {
    pub old: Vec<Item<'a>>,
    pub new: Vec<Item<'a>>,
}

/// Lists the items of a scope. Compound statements with equal headers are entered in both texts; others
/// are items themselves. What never runs at import (`if TYPE_CHECKING:`) or is no part of the module
/// (`if __name__ == "__main__":`) is left out.
pub(crate) fn items<'a>(
    old: (&Source<'_>, &'a [Stmt], &[Enclosing<'a>]),
    new: (&Source<'_>, &'a [Stmt], &[Enclosing<'a>]),
) -> ScopeItems<'a> {
    let mut lister =
        Lister { old: old.0, new: new.0, items: ScopeItems { old: Vec::new(), new: Vec::new() } };
    lister.list(old.1, old.2, new.1, new.2);
    lister.items.old.sort_by_key(|item| item.range().start());
    lister.items.new.sort_by_key(|item| item.range().start());
    lister.items
}

struct Lister<'s, 't, 'a> {
    old: &'s Source<'t>,
    new: &'s Source<'t>,
    items: ScopeItems<'a>,
}

impl<'a> Lister<'_, '_, 'a> {
    fn list(
        &mut self,
        old: &'a [Stmt],
        old_outer: &[Enclosing<'a>],
        new: &'a [Stmt],
        new_outer: &[Enclosing<'a>],
    ) {
        let mut old_groups: Vec<Option<&'a [Stmt]>> = groups(self.old, old).into_iter().map(Some).collect();
        for group in groups(self.new, new) {
            let partner = old_groups.iter_mut().find(|slot| slot.is_some_and(|o| self.entered(o, group)));
            if let Some(partner) = partner.and_then(Option::take) {
                self.enter(&partner[0], old_outer, &group[0], new_outer);
            } else if !is_left_out(group) {
                self.items.new.push(Item { stmts: group, outer: new_outer.to_vec(), opened: false });
            }
        }
        for group in old_groups.into_iter().flatten().filter(|group| !is_left_out(group)) {
            self.lost(group, old_outer, false);
        }
    }

    /// Lists an old group without counterpart; of a block with definitions in it, what is inside.
    fn lost(&mut self, group: &'a [Stmt], outer: &[Enclosing<'a>], opened: bool) {
        let branches = match group {
            [only] if defines(only) => branches(self.old, only),
            _ => Vec::new(),
        };
        if branches.is_empty() {
            self.items.old.push(Item { stmts: group, outer: outer.to_vec(), opened });
        }
        for branch in branches {
            let outer = [outer, &branch.enclosing[..]].concat();
            for group in groups(self.old, branch.body) {
                self.lost(group, &outer, true);
            }
        }
    }

    /// Whether both are compound statements that are entered together.
    fn entered(&self, old: &'a [Stmt], new: &'a [Stmt]) -> bool {
        let ([old], [new]) = (old, new) else { return false };
        same_header(old, new) && !branches(self.old, old).is_empty() && !branches(self.new, new).is_empty()
    }

    fn enter(
        &mut self,
        old: &'a Stmt,
        old_outer: &[Enclosing<'a>],
        new: &'a Stmt,
        new_outer: &[Enclosing<'a>],
    ) {
        let left_out = usize::from(is_type_checking(new) || is_main_block(new));
        let old_branches = branches(self.old, old);
        let both = old_branches.into_iter().zip(branches(self.new, new)).skip(left_out);
        for (old, new) in both {
            let old_outer = [old_outer, &old.enclosing[..]].concat();
            let new_outer = [new_outer, &new.enclosing[..]].concat();
            self.list(old.body, &old_outer, new.body, &new_outer);
        }
    }
}

/// Whether a compound statement has definitions in its branches.
fn defines(stmt: &Stmt) -> bool {
    let definition = |stmt: &Stmt| matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) || defines(stmt);
    match stmt {
        Stmt::If(node) => {
            let clauses = node.elif_else_clauses.iter().flat_map(|clause| &clause.body);
            node.body.iter().chain(clauses).any(definition)
        }
        Stmt::Try(node) => {
            let handlers = node.handlers.iter().filter_map(|h| h.as_except_handler());
            let handlers = handlers.flat_map(|handler| &handler.body);
            node.body.iter().chain(handlers).chain(&node.orelse).chain(&node.finalbody).any(definition)
        }
        _ => false,
    }
}

/// A block that never runs at import, without other branches.
fn is_left_out(group: &[Stmt]) -> bool {
    let [only @ Stmt::If(node)] = group else { return false };
    node.elif_else_clauses.is_empty() && (is_type_checking(only) || is_main_block(only))
}

/// Which old item a new one came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The same as the old item of that index.
    Same(usize),
    /// Changed from it.
    Changed(usize),
    New,
}

/// Finds the origin of each new item: equal ones first, then definitions by kind and name (those with equal
/// decorators first), then other statements by the names and places they bind.
pub(crate) fn origins(old: &Source<'_>, new: &Source<'_>, items: &ScopeItems<'_>) -> Vec<Origin> {
    let mut pairing =
        Pairing { origins: vec![Origin::New; items.new.len()], taken: vec![false; items.old.len()], items };
    pairing.equal_texts(old, new);
    pairing
        .matching(|a, b| key(a) == key(b) && same_statements((old, a.stmts), (new, b.stmts)), Origin::Same);
    let definitions = |a: &Item<'_>, b: &Item<'_>| key(a).is_some() && key(a) == key(b);
    pairing
        .matching(|a, b| definitions(a, b) && same_decorators(decorators(a), decorators(b)), Origin::Changed);
    pairing.matching(definitions, Origin::Changed);
    pairing.matching(|a, b| declared(a).is_some() && declared(a) == declared(b), Origin::Changed);
    pairing.statements(old, new);
    pairing.origins
}

impl Origin {
    pub fn is_changed(self) -> bool {
        matches!(self, Self::Changed(_))
    }

    /// Index of the old item.
    pub fn index(self) -> Option<usize> {
        match self {
            Self::Same(old) | Self::Changed(old) => Some(old),
            Self::New => None,
        }
    }
}

struct Pairing<'p, 'a> {
    origins: Vec<Origin>,
    taken: Vec<bool>,
    items: &'p ScopeItems<'a>,
}

impl Pairing<'_, '_> {
    /// Pairs items whose text is equal to the letter.
    fn equal_texts(&mut self, old: &Source<'_>, new: &Source<'_>) {
        let mut by_text: FxHashMap<&str, std::collections::VecDeque<usize>> = FxHashMap::default();
        for (index, item) in self.items.old.iter().enumerate() {
            by_text.entry(old.slice(item.range())).or_default().push_back(index);
        }
        for (index, item) in self.items.new.iter().enumerate() {
            let queue = by_text.get_mut(new.slice(item.range()));
            if let Some(partner) = queue.and_then(std::collections::VecDeque::pop_front) {
                self.pair(index, partner, Origin::Same);
            }
        }
    }

    fn pair(&mut self, new: usize, old: usize, origin: fn(usize) -> Origin) {
        self.origins[new] = origin(old);
        self.taken[old] = true;
    }

    /// Pairs the items left over that match, in order.
    fn matching(&mut self, matches: impl Fn(&Item<'_>, &Item<'_>) -> bool, origin: fn(usize) -> Origin) {
        for new in 0..self.origins.len() {
            if self.origins[new] != Origin::New {
                continue;
            }
            let item = &self.items.new[new];
            let free = |old: &usize| !self.taken[*old] && matches(&self.items.old[*old], item);
            if let Some(old) = (0..self.taken.len()).find(free) {
                self.pair(new, old, origin);
            }
        }
    }

    /// Pairs other statements that bind a name or a place in common.
    fn statements(&mut self, old: &Source<'_>, new: &Source<'_>) {
        let left = |taken: &[bool]| taken.iter().any(|taken| !taken);
        if !left(&self.taken) {
            return;
        }
        let bound_old: Vec<Bound> = self.items.old.iter().map(|item| Bound::of(old, item.stmts)).collect();
        for index in 0..self.origins.len() {
            let item = &self.items.new[index];
            if self.origins[index] != Origin::New || key(item).is_some() {
                continue;
            }
            let bound = Bound::of(new, item.stmts);
            let shares = |at: &usize| {
                let other = &bound_old[*at];
                !self.taken[*at]
                    && key(&self.items.old[*at]).is_none()
                    && (bound.names.iter().any(|name| other.names.contains(name))
                        || bound.places.iter().any(|place| other.places.contains(place)))
            };
            if let Some(partner) = (0..self.taken.len()).find(shares) {
                self.pair(index, partner, Origin::Changed);
            }
        }
    }
}

/// Kind and name of a definition.
fn key<'a>(item: &Item<'a>) -> Option<(bool, &'a str)> {
    match item.only()? {
        Stmt::FunctionDef(def) => Some((true, def.name.as_str())),
        Stmt::ClassDef(class) => Some((false, class.name.as_str())),
        _ => None,
    }
}

/// The name that an annotation without a value stands for.
fn declared<'a>(item: &Item<'a>) -> Option<&'a str> {
    match item.only()? {
        Stmt::AnnAssign(assign) if assign.value.is_none() => Some(&assign.target.as_name_expr()?.id),
        _ => None,
    }
}

fn decorators<'a>(item: &Item<'a>) -> &'a [Decorator] {
    match item.only() {
        Some(Stmt::FunctionDef(def)) => &def.decorator_list,
        Some(Stmt::ClassDef(class)) => &class.decorator_list,
        _ => &[],
    }
}
