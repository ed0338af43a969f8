//! The values of `co_consts`. Equality is Python's identity of constants: by type and
//! value, so that `1`, `True` and `1.0`, or `0.0` and `-0.0`, stay apart.

use crate::{CodeObject, Text};

/// One constant of a code object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    /// `None`
    None,
    /// `...`
    Ellipsis,
    /// `StopIteration`, which only marshal knows as a constant
    StopIteration,
    /// `True` or `False`
    Bool(bool),
    /// An `int` of at most 64 bits.
    Int(i64),
    /// A longer `int`: sign and magnitude, least significant byte first.
    BigInt {
        /// Whether the value is below zero.
        negative: bool,
        /// Magnitude, little endian, without leading zero bytes at the end.
        magnitude: Vec<u8>,
    },
    /// A `float`, as the bits of the IEEE double.
    Float(u64),
    /// A `complex`, as the bits of both doubles.
    Complex(u64, u64),
    /// A `str`
    Str(Text),
    /// A `bytes`
    Bytes(Vec<u8>),
    /// A `tuple`
    Tuple(Vec<Constant>),
    /// A `frozenset`, in the order it was read
    FrozenSet(Vec<Constant>),
    /// A `slice` of start, stop and step (3.14 and newer)
    Slice(Box<[Constant; 3]>),
    /// A nested code object
    Code(Box<CodeObject>),
    /// Any other object, kept by the caller in a list of its own under this number.
    Opaque(usize),
}

impl Constant {
    /// A `float` constant.
    #[must_use]
    pub fn float(value: f64) -> Self {
        Self::Float(value.to_bits())
    }

    /// The nested code object, if this is one.
    #[must_use]
    pub fn as_code(&self) -> Option<&CodeObject> {
        match self {
            Self::Code(code) => Some(code),
            _ => None,
        }
    }

    /// Whether this is a tuple that holds nothing but strings.
    #[must_use]
    pub fn is_tuple_of_str(&self) -> bool {
        matches!(self, Self::Tuple(items) if items.iter().all(|item| matches!(item, Self::Str(_))))
    }
}

impl From<&str> for Constant {
    fn from(text: &str) -> Self {
        Self::Str(Text::from(text))
    }
}

impl From<i64> for Constant {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
