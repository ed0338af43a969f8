//! Versions of CPython, as far as they can be told from outside.

/// A version of CPython.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub minor: u8,
    /// Micro version; only 3.11 and later tell it.
    pub micro: Option<u8>,
    /// No alpha, beta or release candidate.
    pub is_final: bool,
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.micro {
            Some(micro) => write!(formatter, "3.{}.{micro}", self.minor),
            None => write!(formatter, "3.{}", self.minor),
        }
    }
}
