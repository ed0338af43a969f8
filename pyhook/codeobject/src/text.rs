//! Python `str` values. Python strings may hold lone surrogates, Rust strings may not,
//! so the text is kept as the bytes of Python's `surrogatepass` UTF-8.

use std::fmt;

/// A Python `str`: UTF-8 in which lone surrogates may occur.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Text(Vec<u8>);

impl Text {
    /// Takes bytes made by `s.encode("utf-8", "surrogatepass")`.
    #[must_use]
    pub fn from_surrogatepass(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes of `s.encode("utf-8", "surrogatepass")`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, unless it holds a lone surrogate.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl Text {
    /// The code points, surrogates included.
    pub fn code_points(&self) -> impl Iterator<Item = u32> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (first, tail) = rest.split_first()?;
            let (bits, count) = match first {
                0..=0x7f => (u32::from(*first), 0),
                0x80..=0xdf => (u32::from(first & 0x1f), 1),
                0xe0..=0xef => (u32::from(first & 0x0f), 2),
                _ => (u32::from(first & 0x07), 3),
            };
            let (more, tail) = tail.split_at(count.min(tail.len()));
            rest = tail;
            Some(more.iter().fold(bits, |bits, byte| bits << 6 | u32::from(byte & 0x3f)))
        })
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}
