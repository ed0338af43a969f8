//! Where new statements go in a scope: imports behind the imports, everything else before the first
//! definition that changes, or behind what it reads, or at the end.

use crate::dependents::Reads;
use crate::source::{Bound, Source, is_main_block};
use ruff_python_ast::{Expr, Stmt};

/// The statements of a scope of the target, and where new ones go.
pub(super) struct Places<'a> {
    body: &'a [Stmt],
    /// Names bound by each statement of the body.
    bound: Vec<Bound>,
    /// Index of the first statement that holds a changed definition.
    first_changed: Option<usize>,
    /// Names bound by new statements, and their indices.
    inserted: Vec<(Vec<String>, usize)>,
}

impl<'a> Places<'a> {
    pub fn new(source: &Source<'_>, body: &'a [Stmt], first_changed: Option<usize>) -> Self {
        let bound = body.iter().map(|stmt| Bound::of(source, std::slice::from_ref(stmt))).collect();
        Self { body, bound, first_changed, inserted: Vec::new() }
    }

    /// Index of the statement before which a new one goes; the body's length for the end.
    pub fn of(&mut self, mirror: &Source<'_>, stmt: &Stmt) -> usize {
        let index = match stmt {
            Stmt::ImportFrom(import) if import.module.as_deref() == Some("__future__") => {
                self.behind_docstring()
            }
            Stmt::Import(_) | Stmt::ImportFrom(_) => self.behind_imports(),
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) | Stmt::Assign(_) | Stmt::AnnAssign(_) => {
                self.behind_reads(stmt, self.first_changed.unwrap_or_else(|| self.end()))
            }
            _ => self.end(),
        };
        let names = Bound::of(mirror, std::slice::from_ref(stmt)).names;
        self.inserted.push((names, index));
        index
    }

    /// Before the block that runs a module as a script.
    fn end(&self) -> usize {
        let last = self.body.len();
        if self.body.last().is_some_and(is_main_block) { last - 1 } else { last }
    }

    fn behind_docstring(&self) -> usize {
        let docstring =
            |stmt: &Stmt| matches!(stmt, Stmt::Expr(expr) if matches!(*expr.value, Expr::StringLiteral(_)));
        usize::from(self.body.first().is_some_and(docstring))
    }

    /// Behind the last import at the top level before the first definition.
    fn behind_imports(&self) -> usize {
        let definition = |stmt: &Stmt| matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_));
        let until = self.body.iter().position(definition).unwrap_or(self.body.len());
        let import = |stmt: &Stmt| matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_));
        let last = self.body[..until].iter().rposition(import);
        last.map_or_else(|| self.behind_docstring(), |last| last + 1)
    }

    /// Behind every statement that binds what it reads when it is executed.
    fn behind_reads(&self, stmt: &Stmt, least: usize) -> usize {
        let mut reads = Reads::of_statement(stmt);
        if let Stmt::FunctionDef(def) = stmt {
            reads.names.extend(Reads::of_defaults(&def.parameters).names);
        }
        let roots = reads.names.iter().map(|name| name.split('.').next().unwrap_or(name));
        let roots: Vec<&str> = roots.collect();
        let binds = |names: &[String]| names.iter().any(|name| roots.contains(&name.as_str()));
        let last = self.bound.iter().rposition(|bound| binds(&bound.names)).map_or(0, |last| last + 1);
        let inserted = self.inserted.iter().filter(|(names, _)| binds(names)).map(|(_, index)| *index);
        least.max(last).max(inserted.max().unwrap_or(0))
    }
}
