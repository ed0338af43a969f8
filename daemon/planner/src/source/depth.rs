//! How deeply a text nests, before anything walks its syntax tree: walking and dropping one is recursive, and
//! a chain such as `1 + 1 + 1` nests one level for each operator.

use ruff_python_ast::token::{Token, TokenKind};
use ruff_python_parser::{Mode, lexer};

/// More than any CPython compiles (`Python/compile.c`, `Python/symtable.c`: a few thousand).
pub(super) const DEEPEST: usize = 10_000;

/// A tree of a shorter text, in bytes, can be walked and dropped however it nests.
pub(super) const SHORT: usize = 64 << 10;

/// One open bracket.
#[derive(Default)]
struct Level {
    /// Of the element that is being read.
    now: usize,
    /// Of the deepest element before.
    most: usize,
}

/// Counts tokens to an upper bound.
struct Counter {
    open: Vec<Level>,
    deepest: usize,
}

impl Counter {
    fn new() -> Self {
        Self { open: vec![Level::default()], deepest: 0 }
    }

    fn take(&mut self, kind: TokenKind) {
        use TokenKind as T;
        match kind {
            T::Lpar | T::Lsqb | T::Lbrace | T::FStringStart | T::TStringStart => {
                self.open.push(Level::default());
            }
            T::Rpar | T::Rsqb | T::Rbrace | T::FStringEnd | T::TStringEnd => self.close(),
            T::Comma | T::Semi => {
                if let Some(level) = self.open.last_mut() {
                    level.most = level.most.max(level.now);
                    level.now = 0;
                }
            }
            T::Newline => self.open = vec![Level::default()],
            _ if nests(kind) => {
                if let Some(level) = self.open.last_mut() {
                    level.now += 1;
                }
            }
            _ => return,
        }
        let outer = self.open.len();
        self.deepest = self.deepest.max(self.open.last().map_or(0, |level| level.now + outer));
    }

    /// What stood in the bracket is part of what stands around it.
    fn close(&mut self) {
        if self.open.len() < 2 {
            return;
        }
        let inner = self.open.pop().unwrap_or_default();
        if let Some(level) = self.open.last_mut() {
            level.now += 1 + inner.now.max(inner.most);
        }
    }

    /// The bound, brackets that were never closed counted too.
    fn end(mut self) -> usize {
        while self.open.len() > 1 {
            self.close();
        }
        self.deepest.max(self.open.first().map_or(0, |level| level.now.max(level.most)))
    }
}

fn nests(kind: TokenKind) -> bool {
    use TokenKind as T;
    kind.as_unary_operator().is_some()
        || kind.as_binary_operator().is_some()
        || matches!(kind, T::Dot | T::Lambda | T::If | T::Await | T::Yield | T::ColonEqual | T::DoubleStar)
}

/// Upper bound of the depth of a text's expressions.
pub(super) fn of_text(text: &str) -> usize {
    let mut counter = Counter::new();
    let mut lexer = lexer::lex(text, Mode::Module);
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return counter.end(),
            kind => counter.take(kind),
        }
    }
}

/// The same, of tokens that were read.
pub(super) fn of_tokens(tokens: &[Token]) -> usize {
    let mut counter = Counter::new();
    tokens.iter().for_each(|token| counter.take(token.kind()));
    counter.end()
}

#[cfg(test)]
mod tests {
    use super::of_text;

    #[test]
    fn chains_and_brackets_nest_and_elements_do_not() {
        for (text, least, most) in [
            ("x = 1 + 1 + 1\n".to_owned(), 2, 5),
            (format!("x = 1{}\n", " + 1".repeat(500)), 500, 510),
            (format!("x = {}1{}\n", "(".repeat(300), ")".repeat(300)), 300, 610),
            (format!("x = ((1{0}){0})\n", " + 1".repeat(100)), 200, 210),
            (format!("x = f{}\n", "(a)".repeat(200)), 200, 210),
            (format!("x = a{}\n", ".b".repeat(200)), 200, 210),
            (format!("x = [{}]\n", "f(1 + 2), ".repeat(10_000)), 3, 20),
            ("x = 1 + 2\n".repeat(10_000), 1, 5),
        ] {
            let found = of_text(&text);
            assert!((least..=most).contains(&found), "{found}: {}", &text[..40.min(text.len())]);
        }
    }
}
