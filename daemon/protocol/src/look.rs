//! Looking at code that runs: which function is meant, and what a process answers.

use serde::{Deserialize, Serialize};

/// A function, class body or other code of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Dotted name, as patches know the module.
    pub module: String,
    /// As in `__qualname__`: `Class.method`, `outer.<locals>.inner`.
    pub qualname: String,
}

/// Bytes as hexadecimal digits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hex(String);

impl Hex {
    /// Writes bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digits =
            bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        Self(digits.map(char::from).collect())
    }

    /// The bytes; `None` where the text is no even number of hexadecimal digits.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let (pairs, rest) = self.0.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = |pair: &[u8; 2]| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok();
        rest.is_empty().then(|| pairs.iter().map(byte).collect())?
    }
}

/// What a process answers who looks at a place in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    Code(Box<LiveCode>),
    /// The module is not imported.
    NotLoaded,
    /// The module has no such function; names that it has there.
    NotFound {
        near: Vec<String>,
    },
    /// It is something without Python code, such as a built-in function.
    NotPython {
        kind: String,
    },
    /// The code has more bytes than are sent.
    TooLarge {
        limit: u64,
    },
    /// Reading it failed.
    Failed {
        detail: String,
    },
}

/// Code as it is held by live functions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LiveCode {
    /// Marshalled by the format of the process's version; objects that are no data stand as texts.
    pub live: Hex,
    pub original: Original,
    /// Ids of the patches that made it what it is.
    pub patches: Vec<String>,
}

/// What was there before the patches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Original {
    /// It is what runs.
    Same,
    /// It is kept, to be put back.
    Kept(Hex),
    /// There is none: a patch made the function.
    Nothing,
    /// The module was imported patched as a whole: the process never had it.
    Absent,
}

#[cfg(test)]
mod tests {
    use super::Hex;

    #[test]
    fn bytes_come_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(Hex::of(&bytes).bytes(), Some(bytes));
        assert_eq!(Hex("0g".into()).bytes(), None);
        assert_eq!(Hex("012".into()).bytes(), None);
    }
}
