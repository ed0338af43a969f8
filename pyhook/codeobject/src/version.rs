//! The minor versions of CPython this crate knows.

use std::fmt;

/// A minor version of CPython. The bytecode is constant over its bug-fix releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// CPython 3.9
    Py39,
    /// CPython 3.10
    Py310,
    /// CPython 3.11
    Py311,
    /// CPython 3.12
    Py312,
    /// CPython 3.13
    Py313,
    /// CPython 3.14
    Py314,
    /// CPython 3.15
    Py315,
}

impl Version {
    /// All versions, oldest first.
    pub const ALL: [Version; 7] =
        [Self::Py39, Self::Py310, Self::Py311, Self::Py312, Self::Py313, Self::Py314, Self::Py315];

    /// The version `major.minor`, if it is supported.
    #[must_use]
    pub fn new(major: u32, minor: u32) -> Option<Self> {
        let index = minor.checked_sub(9).filter(|_| major == 3)?;
        Self::ALL.get(index as usize).copied()
    }

    /// The version whose `.pyc` files start with this magic number.
    #[must_use]
    pub fn from_magic(magic: u16) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|version| crate::tables::table(*version).magic() == magic)
    }

    /// The minor number, 9 to 15.
    #[must_use]
    pub fn minor(self) -> u32 {
        self as u32 + 9
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "3.{}", self.minor())
    }
}
