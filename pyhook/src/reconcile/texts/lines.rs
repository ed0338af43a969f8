//! Statements as lines of their own: continued ones joined, comments and the contents of strings left out, but
//! for what f-strings compute.

use std::iter::Peekable;
use std::str::Chars;

/// A simple statement, or the header of a compound one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// How far it is indented.
    pub indent: usize,
    /// Where it begins, counted from 1.
    pub number: u32,
    pub text: String,
    /// Ends of the parts of `text` that stood on lines of their own.
    ends: Vec<usize>,
}

impl Line {
    /// The line of what stands at an offset of `text`.
    pub fn number_at(&self, offset: usize) -> u32 {
        let before = self.ends.iter().filter(|end| **end <= offset).count();
        self.number + u32::try_from(before).unwrap_or(0)
    }
}

/// The statements of a text, in order.
pub fn lines(text: &str) -> Vec<Line> {
    let mut reader = Reader {
        rest: text.chars().peekable(),
        number: 1,
        depth: 0,
        line: Line::default(),
        found: Vec::new(),
    };
    reader.read();
    reader.found
}

/// Whether a character may stand in a name.
pub fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

struct Reader<'t> {
    rest: Peekable<Chars<'t>>,
    number: u32,
    /// Open brackets.
    depth: usize,
    line: Line,
    found: Vec<Line>,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(c) = self.next() {
            match c {
                '#' => while self.rest.next_if(|c| *c != '\n').is_some() {},
                '\'' | '"' => self.string(c),
                '\n' if self.depth == 0 => self.end(0),
                ';' if self.depth == 0 => self.end(self.line.indent),
                '\\' if self.rest.peek() == Some(&'\n') => {
                    self.next();
                    self.line_end();
                }
                '\n' => self.line_end(),
                ' ' | '\t' if self.line.text.is_empty() => self.line.indent += 1,
                '\r' | '\x0c' => {}
                _ => {
                    match c {
                        '(' | '[' | '{' => self.depth += 1,
                        ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
                        _ => {}
                    }
                    self.push(c);
                }
            }
        }
        self.end(0);
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.number += u32::from(c == '\n');
        Some(c)
    }

    fn push(&mut self, c: char) {
        if self.line.text.is_empty() {
            self.line.number = self.number;
        }
        self.line.text.push(c);
    }

    /// A line ends within a statement.
    fn line_end(&mut self) {
        if !self.line.text.is_empty() {
            self.line.text.push(' ');
            self.line.ends.push(self.line.text.len());
        }
    }

    fn end(&mut self, indent: usize) {
        let line = std::mem::replace(&mut self.line, Line { indent, ..Line::default() });
        if !line.text.trim().is_empty() {
            self.found.push(line);
        }
    }

    /// The rest of a string, whose first quote was read: of f-strings what they compute is kept.
    fn string(&mut self, quote: char) {
        let prefix: String = self.line.text.chars().rev().take_while(|c| is_word(*c)).take(3).collect();
        let is_prefix = prefix.len() < 3 && prefix.chars().all(|c| "rbuftRBUFT".contains(c));
        let computes = is_prefix && prefix.contains(['f', 'F', 't', 'T']);
        self.push('"');
        let mut triple = false;
        if self.rest.next_if_eq(&quote).is_some() {
            triple = self.rest.next_if_eq(&quote).is_some();
            if !triple {
                return self.push('"');
            }
        }
        let mut braces = 0usize;
        while let Some(c) = self.next() {
            match c {
                '\\' => {
                    self.next();
                }
                '\n' if triple => self.line_end(),
                '\n' => break,
                '{' if computes && self.rest.next_if_eq(&'{').is_none() => {
                    braces += 1;
                    self.push(' ');
                }
                '}' if braces > 0 => {
                    braces -= 1;
                    self.push(' ');
                }
                _ if c == quote && (!triple || self.is_closed(quote)) => break,
                _ if braces > 0 && (is_word(c) || c == '.') => self.push(c),
                _ if braces > 0 => self.push(' '),
                _ => {}
            }
        }
        self.push('"');
    }

    /// Whether two more quotes follow, which are read then.
    fn is_closed(&mut self, quote: char) -> bool {
        let mut ahead = self.rest.clone();
        let closed = ahead.next() == Some(quote) && ahead.next() == Some(quote);
        if closed {
            self.rest = ahead;
        }
        closed
    }
}
