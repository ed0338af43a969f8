//! A parsed source text with its lines. Lines end as in CPython's tokenizer: at `\n`, `\r\n` and `\r`.

use super::depth;
use crate::error::Fault;
use patchctl_protocol::state::{Reason, Refusal};
use ruff_python_ast::token::{Token, TokenKind};
use ruff_python_ast::{Decorator, ModModule, Stmt};
use ruff_python_parser::{Parsed, parse_module};
use ruff_text_size::{Ranged, TextRange, TextSize};
use std::cell::OnceCell;
use std::collections::BTreeSet;

/// A source text and its syntax tree.
pub(crate) struct Source<'t> {
    pub text: &'t str,
    parsed: Parsed<ModModule>,
    /// Offset of each line's first byte.
    starts: Vec<u32>,
    in_strings: OnceCell<BTreeSet<usize>>,
}

impl<'t> Source<'t> {
    /// Parses a text; `what` names it in the refusal.
    pub fn parse(text: &'t str, what: &str) -> Result<Self, Refusal> {
        Self::read(text).map_err(|fault| {
            let Fault { line, column, message, .. } = fault;
            let detail = format!("{what}: line {line}, column {column}: {message}");
            Refusal::new(Reason::SyntaxError, detail)
        })
    }

    /// Parses a text; if it is not Python, where and why.
    pub fn read(text: &'t str) -> Result<Self, Fault> {
        let starts = line_starts(text);
        let too_deep =
            || Fault::at(1, format!("its expressions nest more than {} levels deep", depth::DEEPEST));
        if text.len() > depth::SHORT && depth::of_text(text) > depth::DEEPEST {
            return Err(too_deep());
        }
        let parsed = parse_module(text).map_err(|error| {
            let offset = error.location.start().to_usize();
            let line = starts.partition_point(|start| *start as usize <= offset);
            let start = starts.get(line.saturating_sub(1)).map_or(0, |start| *start as usize);
            let column = text.get(start..offset).map_or(0, |text| text.chars().count()) + 1;
            let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            Fault::at(number(line), lower(&error.error.to_string())).column(number(column))
        })?;
        if text.len() <= depth::SHORT && depth::of_tokens(parsed.tokens()) > depth::DEEPEST {
            return Err(too_deep());
        }
        Ok(Self { text, parsed, starts, in_strings: OnceCell::new() })
    }

    pub fn body(&self) -> &[Stmt] {
        &self.parsed.syntax().body
    }

    /// Number of statements, those of classes included and those of functions not.
    pub fn definitions_and_statements(&self) -> usize {
        fn count(body: &[Stmt]) -> usize {
            let inner = body.iter().filter_map(Stmt::as_class_def_stmt).map(|class| count(&class.body));
            body.len() + inner.sum::<usize>()
        }
        count(self.body())
    }

    /// Index of the line that holds an offset.
    pub fn line(&self, offset: TextSize) -> usize {
        self.starts.partition_point(|start| *start <= offset.to_u32()).saturating_sub(1)
    }

    /// Number of the line, counted from 1.
    pub fn line_number(&self, offset: TextSize) -> u32 {
        u32::try_from(self.line(offset) + 1).unwrap_or(u32::MAX)
    }

    /// Number of lines; a line ending at the end begins no further one.
    pub fn line_count(&self) -> usize {
        let open = self.starts.last().is_some_and(|start| (*start as usize) < self.text.len());
        self.starts.len() - usize::from(!open)
    }

    /// Indices of the lines that begin inside a string.
    pub fn lines_in_strings(&self) -> &BTreeSet<usize> {
        self.in_strings.get_or_init(|| self.find_lines_in_strings())
    }

    fn find_lines_in_strings(&self) -> BTreeSet<usize> {
        use TokenKind::{FStringEnd, FStringStart, String, TStringEnd, TStringStart};
        let tokens: &[Token] = self.parsed.tokens();
        let mut lines = BTreeSet::new();
        let mut open: Vec<TextSize> = Vec::new();
        for token in tokens {
            let start = match token.kind() {
                FStringStart | TStringStart => {
                    open.push(token.start());
                    continue;
                }
                FStringEnd | TStringEnd => open.pop().unwrap_or(token.start()),
                String => token.start(),
                _ => continue,
            };
            lines.extend(self.line(start) + 1..=self.line(token.end()));
        }
        lines
    }

    /// Offset of a line's first byte.
    pub fn line_start(&self, line: usize) -> usize {
        self.starts.get(line).map_or(self.text.len(), |start| *start as usize)
    }

    /// A line without its ending.
    pub fn line_text(&self, line: usize) -> &'t str {
        let text = &self.text[self.line_start(line)..self.line_start(line + 1)];
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.strip_suffix('\r').unwrap_or(text)
    }

    pub fn slice(&self, range: TextRange) -> &'t str {
        &self.text[range.start().to_usize()..range.end().to_usize()]
    }

    /// Where the keyword (`def`, `async`, `class`) behind decorators stands.
    pub fn keyword(&self, range: TextRange, decorators: &[Decorator]) -> TextSize {
        let Some(last) = decorators.last() else { return range.start() };
        let keyword =
            |token: &&Token| matches!(token.kind(), TokenKind::Def | TokenKind::Async | TokenKind::Class);
        let found = self.tokens_after(last.end()).iter().find(keyword);
        found.map_or(range.start(), Ranged::start)
    }

    /// End of the first colon at or behind an offset that lies between tokens.
    pub fn colon_end(&self, offset: TextSize) -> TextSize {
        let colon = self.tokens_after(offset).iter().find(|token| token.kind() == TokenKind::Colon);
        colon.map_or(offset, Ranged::end)
    }

    /// Where the last `else` or `finally` before a block stands.
    pub fn clause_keyword(&self, body_start: TextSize) -> TextSize {
        let keyword = |token: &&Token| matches!(token.kind(), TokenKind::Else | TokenKind::Finally);
        let found = self.tokens_before(body_start).iter().rev().find(keyword);
        found.map_or(body_start, Ranged::start)
    }

    /// Whether a block stands on the line of its header.
    pub fn is_one_line(&self, body: &[Stmt]) -> bool {
        body.first().is_some_and(|first| {
            let before = self.tokens_before(first.start()).last();
            before.is_some_and(|token| token.kind() == TokenKind::Colon)
        })
    }

    fn tokens_after(&self, offset: TextSize) -> &[Token] {
        let tokens: &[Token] = self.parsed.tokens();
        &tokens[tokens.partition_point(|token| token.start() < offset)..]
    }

    fn tokens_before(&self, offset: TextSize) -> &[Token] {
        let tokens: &[Token] = self.parsed.tokens();
        &tokens[..tokens.partition_point(|token| token.start() < offset)]
    }
}

/// With a small first letter, unless it begins a word in capitals.
fn lower(message: &str) -> String {
    let mut chars = message.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => message.to_owned(),
    }
}

fn line_starts(text: &str) -> Vec<u32> {
    let bytes = text.as_bytes();
    let mut starts = vec![0];
    for (at, byte) in bytes.iter().enumerate() {
        let ends = *byte == b'\n' || *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n');
        if ends {
            starts.push(u32::try_from(at + 1).unwrap_or(u32::MAX));
        }
    }
    starts
}
