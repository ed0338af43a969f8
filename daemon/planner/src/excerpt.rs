//! Excerpts of a source text in which every kept statement stays at its line: the skeletons of functions,
//! and the texts of namespace steps. Everything else is an empty line.
//!
//! A function's code object depends on its own text, on the names and type parameters of the enclosing
//! classes, and on the future imports (CPython's `Python/symtable.c`); so what stands around a kept
//! statement is reduced to that, at its own line and column.

use crate::source::{Enclosing, Source};
use ruff_python_ast::{Stmt, StmtClassDef, StmtFunctionDef};
use ruff_text_size::{Ranged, TextSize};
use std::collections::BTreeMap;

/// Stands for a function's decorators: it keeps `co_firstlineno` and returns the plain function.
const NO_DECORATOR: &str = "@(lambda f: f)";

/// An excerpt in the making.
pub(crate) struct Excerpt<'s, 't> {
    source: &'s Source<'t>,
    /// Index of a line to its text.
    lines: BTreeMap<usize, String>,
}

impl<'s, 't> Excerpt<'s, 't> {
    /// An excerpt that has nothing yet: for what future imports mean nothing to, and may stand before them.
    pub fn empty(source: &'s Source<'t>) -> Self {
        Self { source, lines: BTreeMap::new() }
    }

    /// An excerpt that has the future imports alone.
    pub fn new(source: &'s Source<'t>) -> Self {
        let mut excerpt = Self::empty(source);
        for stmt in source.body() {
            if matches!(stmt, Stmt::ImportFrom(import) if import.module.as_deref() == Some("__future__")) {
                excerpt.future(stmt);
            }
        }
        excerpt
    }

    /// A future import may stand behind a `;`, whose other side is not kept: so it starts its line.
    fn future(&mut self, stmt: &Stmt) {
        let first = self.source.line(stmt.start());
        for (index, text) in self.source.slice(stmt.range()).lines().enumerate() {
            let line = self.lines.entry(first + index).or_default();
            if !line.is_empty() {
                line.push_str("; ");
            }
            line.push_str(text);
        }
    }

    /// Keeps a function without its decorators, whatever branch it stands in.
    pub fn keep_function(&mut self, outer: &[Enclosing<'_>], def: &StmtFunctionDef) {
        self.keep_around(outer, outer.len());
        if let Some(first) = def.decorator_list.first() {
            self.put(first.start(), NO_DECORATOR);
        }
        let keyword = self.source.keyword(def.range, &def.decorator_list);
        self.keep_lines(keyword, def.end());
    }

    /// Keeps statements as they are, under the conditions of the `if` blocks around them in their scope.
    pub fn keep_statements(&mut self, outer: &[Enclosing<'_>], stmts: &[Stmt]) {
        let class = |e: &Enclosing<'_>| matches!(e, Enclosing::Class(_));
        let scope = outer.iter().rposition(class).map_or(0, |at| at + 1);
        self.keep_around(outer, scope);
        if let (Some(first), Some(last)) = (stmts.first(), stmts.last()) {
            self.keep_lines(first.start(), last.end());
        }
    }

    /// Puts a text in the place of a statement.
    pub fn keep_text(&mut self, outer: &[Enclosing<'_>], start: TextSize, text: &str) {
        self.keep_around(outer, outer.len());
        self.put(start, text);
    }

    /// Keeps the header of a class with its bases, and an empty body.
    pub fn keep_class_header(&mut self, outer: &[Enclosing<'_>], class: &StmtClassDef) {
        self.keep_around(outer, outer.len());
        let keyword = self.source.keyword(class.range, &class.decorator_list);
        let behind = class.arguments.as_ref().map_or(class.name.end(), |arguments| arguments.end());
        let colon = self.source.colon_end(behind);
        let text = self.source.text[keyword.to_usize()..colon.to_usize()].to_owned() + " pass";
        self.put(keyword, &text);
    }

    /// Classes by name; branches before `live` as ones that are always taken, the others as they are.
    fn keep_around(&mut self, outer: &[Enclosing<'_>], live: usize) {
        for (at, enclosing) in outer.iter().enumerate() {
            match enclosing {
                Enclosing::Class(class) => self.keep_class(class),
                Enclosing::Branch { keyword, .. } if at < live => self.put(*keyword, "if 1:"),
                Enclosing::Branch { stmt, index, .. } => self.keep_conditions(stmt, *index),
            }
        }
    }

    fn keep_class(&mut self, class: &StmtClassDef) {
        let keyword = self.source.keyword(class.range, &class.decorator_list);
        let params = class.type_params.as_ref().map_or("", |params| self.source.slice(params.range));
        self.put(keyword, &format!("class {}{params}:", class.name));
    }

    /// Keeps the headers of an `if` up to a branch; the branches before it do nothing.
    fn keep_conditions(&mut self, stmt: &Stmt, index: usize) {
        let Stmt::If(node) = stmt else { return };
        let clauses = &node.elif_else_clauses;
        let mut headers = vec![(node.start(), node.test.end())];
        for clause in clauses {
            let behind = clause.test.as_ref().map_or(clause.start(), Ranged::end);
            headers.push((clause.start(), behind));
        }
        for (at, (keyword, behind)) in headers.into_iter().enumerate().take(index + 1) {
            let colon = self.source.colon_end(behind);
            let header = &self.source.text[keyword.to_usize()..colon.to_usize()];
            let nothing = if at == index { "" } else { " pass" };
            self.put(keyword, &format!("{header}{nothing}"));
        }
    }

    /// Keeps whole lines of the source, from the one where a statement starts.
    fn keep_lines(&mut self, start: TextSize, end: TextSize) {
        let (first, last) = (self.source.line(start), self.source.line(end));
        if self.lines.contains_key(&first) {
            let rest = self.source.line_start(first + 1);
            let text = &self.source.text[start.to_usize()..rest.max(start.to_usize())];
            self.put(start, text.trim_end_matches(['\n', '\r']));
        } else {
            self.put(start, &self.source.line_text(first)[self.column(start)..]);
        }
        for line in first + 1..=last {
            self.lines.insert(line, self.source.line_text(line).to_owned());
        }
    }

    fn column(&self, offset: TextSize) -> usize {
        offset.to_usize() - self.source.line_start(self.source.line(offset))
    }

    /// Puts text at its line and column, behind what stands before it on the line: indentation, or the
    /// header of a class on one line. Its own line breaks stay.
    fn put(&mut self, offset: TextSize, text: &str) {
        let line = self.source.line(offset);
        let mut parts = text.split('\n').map(|part| part.strip_suffix('\r').unwrap_or(part));
        let head = parts.next().unwrap_or_default();
        let indent = &self.source.line_text(line)[..self.column(offset)];
        match self.lines.get_mut(&line) {
            Some(there) if there.trim_start() == head => return,
            Some(there) => {
                there.push(' ');
                there.push_str(head);
            }
            None => {
                self.lines.insert(line, format!("{indent}{head}"));
                self.keep_continuation(line);
            }
        }
        for (index, part) in parts.enumerate() {
            self.lines.insert(line + 1 + index, part.to_owned());
        }
    }

    /// A line may continue one that holds only a backslash, which then gives the indentation.
    fn keep_continuation(&mut self, line: usize) {
        let mut line = line;
        while line > 0 && self.source.line_text(line - 1).trim() == "\\" {
            line -= 1;
            self.lines.insert(line, self.source.line_text(line).to_owned());
        }
    }

    /// Adds a line behind all others.
    pub fn add_line(&mut self, text: String) {
        let line = self.lines.last_key_value().map_or(0, |(last, _)| last + 1);
        self.lines.insert(line, text);
    }

    pub fn text(self) -> String {
        let mut text = String::new();
        let mut next = 0;
        for (line, content) in self.lines {
            text.extend(std::iter::repeat_n('\n', line - next));
            text.push_str(&content);
            text.push('\n');
            next = line + 1;
        }
        text
    }
}
