//! The statements of a scope as items: statements joined by `;` are one, and each knows the blocks and
//! classes around it.

use super::text::Source;
use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtClassDef};
use ruff_text_size::{Ranged, TextRange, TextSize};

/// What stands around an item.
#[derive(Clone, Copy)]
pub(crate) enum Enclosing<'a> {
    Class(&'a StmtClassDef),
    /// A branch of a compound statement; `keyword` is where its own keyword stands.
    Branch {
        stmt: &'a Stmt,
        index: usize,
        keyword: TextSize,
    },
}

/// One or more statements on one logical line, or one compound statement.
#[derive(Clone)]
pub(crate) struct Item<'a> {
    pub stmts: &'a [Stmt],
    pub outer: Vec<Enclosing<'a>>,
    /// It stands in a block that the other text does not have.
    pub opened: bool,
}

impl<'a> Item<'a> {
    pub fn range(&self) -> TextRange {
        let start = self.stmts.first().map_or(TextSize::new(0), Ranged::start);
        let end = self.stmts.last().map_or(start, Ranged::end);
        TextRange::new(start, end)
    }

    /// The statement if there is just one.
    pub fn only(&self) -> Option<&'a Stmt> {
        match self.stmts {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The outermost block around the item, within its scope, that can't be entered for a single
    /// statement (all but `if`), and what stands around that block.
    pub fn unit(&self) -> Option<(&'a [Stmt], &[Enclosing<'a>])> {
        let class = |e: &Enclosing<'_>| matches!(e, Enclosing::Class(_));
        let scope = self.outer.iter().rposition(class).map_or(0, |at| at + 1);
        let whole =
            |e: &Enclosing<'_>| matches!(e, Enclosing::Branch { stmt, .. } if !matches!(stmt, Stmt::If(_)));
        let at = scope + self.outer[scope..].iter().position(whole)?;
        match self.outer[at] {
            Enclosing::Branch { stmt, .. } => Some((std::slice::from_ref(stmt), &self.outer[..at])),
            Enclosing::Class(_) => None,
        }
    }
}

/// Groups of statements: those joined by `;` together, every other alone.
pub(crate) fn groups<'a>(source: &Source<'_>, body: &'a [Stmt]) -> Vec<&'a [Stmt]> {
    let joined = |left: &Stmt, right: &Stmt| source.line(left.end()) == source.line(right.start());
    body.chunk_by(joined).collect()
}

/// The items of a scope, those in branches included. What never runs at import is left out.
pub(crate) fn items_of<'a>(source: &Source<'_>, body: &'a [Stmt], outer: &[Enclosing<'a>]) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    for group in groups(source, body) {
        let branches = match group {
            [only] => branches(source, only),
            _ => Vec::new(),
        };
        if branches.is_empty() {
            items.push(Item { stmts: group, outer: outer.to_vec(), opened: false });
        }
        let skipped = usize::from(is_type_checking(&group[0]) || is_main_block(&group[0]));
        for branch in branches.into_iter().skip(skipped) {
            items.extend(items_of(source, branch.body, &[outer, &branch.enclosing[..]].concat()));
        }
    }
    items
}

/// A branch of a compound statement.
pub(crate) struct Branch<'a> {
    pub enclosing: Vec<Enclosing<'a>>,
    pub body: &'a [Stmt],
}

/// The branches of a compound statement other than a definition; empty for simple ones, and for compounds
/// with a branch on its header's line.
pub(crate) fn branches<'a>(source: &Source<'_>, stmt: &'a Stmt) -> Vec<Branch<'a>> {
    let bodies = bodies(source, stmt);
    if bodies.iter().any(|(_, body)| source.is_one_line(body)) {
        return Vec::new();
    }
    let branch = |(index, (keyword, body)): (usize, (TextSize, &'a [Stmt]))| {
        let mut enclosing = vec![Enclosing::Branch { stmt, index, keyword }];
        if matches!(stmt, Stmt::Match(_)) {
            enclosing.insert(0, Enclosing::Branch { stmt, index, keyword: stmt.start() });
        }
        Branch { enclosing, body }
    };
    bodies.into_iter().enumerate().map(branch).collect()
}

/// Keyword and statements of each branch.
fn bodies<'a>(source: &Source<'_>, stmt: &'a Stmt) -> Vec<(TextSize, &'a [Stmt])> {
    let mut bodies: Vec<(TextSize, &'a [Stmt])> = Vec::new();
    let mut clauses: Vec<&'a [Stmt]> = Vec::new();
    match stmt {
        Stmt::If(node) => {
            bodies.push((node.start(), &node.body));
            bodies.extend(node.elif_else_clauses.iter().map(|c| (c.start(), &c.body[..])));
        }
        Stmt::For(node) => {
            bodies.push((node.start(), &node.body));
            clauses.push(&node.orelse);
        }
        Stmt::While(node) => {
            bodies.push((node.start(), &node.body));
            clauses.push(&node.orelse);
        }
        Stmt::With(node) => bodies.push((node.start(), &node.body)),
        Stmt::Match(node) => bodies.extend(node.cases.iter().map(|c| (c.start(), &c.body[..]))),
        Stmt::Try(node) => {
            bodies.push((node.start(), &node.body));
            for ExceptHandler::ExceptHandler(handler) in &node.handlers {
                bodies.push((handler.start(), &handler.body));
            }
            clauses.extend([&node.orelse[..], &node.finalbody[..]]);
        }
        _ => {}
    }
    for clause in clauses.into_iter().filter(|clause| !clause.is_empty()) {
        bodies.push((source.clause_keyword(clause[0].start()), clause));
    }
    bodies
}

/// Whether a statement is `if TYPE_CHECKING:` (or `typing.TYPE_CHECKING`), whose first branch never runs.
pub(crate) fn is_type_checking(stmt: &Stmt) -> bool {
    let Stmt::If(node) = stmt else { return false };
    match &*node.test {
        Expr::Name(name) => name.id == "TYPE_CHECKING",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "TYPE_CHECKING",
        _ => false,
    }
}

/// Whether a statement is `if __name__ == "__main__":`.
pub(crate) fn is_main_block(stmt: &Stmt) -> bool {
    let Stmt::If(node) = stmt else { return false };
    let Expr::Compare(compare) = &*node.test else { return false };
    let name = |expr: &Expr| matches!(expr, Expr::Name(name) if name.id == "__name__");
    let main =
        |expr: &Expr| matches!(expr, Expr::StringLiteral(literal) if literal.value.to_str() == "__main__");
    match &*compare.comparators {
        [right] => name(&compare.left) && main(right) || main(&compare.left) && name(right),
        _ => false,
    }
}
