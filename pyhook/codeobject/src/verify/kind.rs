//! Kinds of values on the stack: what the interpreter relies on without looking.

use crate::tables::Want;

/// What calling a function needs and gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Callee {
    /// A call makes a generator.
    pub generator: bool,
    /// Loops over its argument as it is: only an iterator may be given.
    pub iterates: bool,
}

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Null,
    MaybeNull,
    Iterator,
    VirtualIterator,
    IteratorIndex,
    IndexOrNull,
    List,
    Dict,
    Tuple,
    /// Constant tuple of that many strings.
    Names(u32),
    Str,
    /// Code object, by constant index.
    Code(u32),
    Function(Callee),
    /// Function that still needs a closure of that many cells.
    OpenFunction(u32, Callee),
    /// `int` the compiler itself compares.
    Int,
    Cell,
    /// Tuple of that many cells.
    Cells(u32),
    Bool,
    Exception,
    MaybeException,
    Previous,
    /// Parts of an exception whose type is an [`Kind::Exception`] or [`Kind::Previous`] (3.10 and older).
    ExceptionTraceback,
    ExceptionValue,
    PreviousTraceback,
    PreviousValue,
    Lasti,
    /// What a slot held, NULL included.
    Saved(u8),
    /// Reference owned by the local variable of that slot.
    Borrowed(u32),
}

impl Kind {
    /// What a handler of 3.10 and older keeps of the exception handled before, bottom first.
    pub const PREVIOUS: [Kind; 3] = [Kind::PreviousTraceback, Kind::PreviousValue, Kind::Previous];

    /// Whether any instruction may take it as an object.
    pub fn is_object(self) -> bool {
        if let Kind::Function(callee) = self {
            return !callee.iterates;
        }
        use Kind::{IndexOrNull, IteratorIndex, Lasti, MaybeNull, Null, OpenFunction, Saved};
        let hidden = matches!(
            self,
            Null | MaybeNull | IteratorIndex | IndexOrNull | OpenFunction(..) | Lasti | Saved(_)
        );
        !hidden && !self.is_previous()
    }

    /// Whether `COPY` may take it.
    pub fn is_copyable(self) -> bool {
        self.is_object() || self.is_previous() || matches!(self, Kind::Lasti | Kind::OpenFunction(..))
    }

    fn is_previous(self) -> bool {
        matches!(self, Kind::Previous | Kind::PreviousValue | Kind::PreviousTraceback)
    }

    fn is_index_or_null(self) -> bool {
        matches!(self, Kind::Null | Kind::IteratorIndex | Kind::IndexOrNull)
    }

    fn is_tuple(self) -> bool {
        matches!(self, Kind::Tuple | Kind::Names(_) | Kind::Cells(_))
    }

    /// Whether it satisfies what an instruction takes.
    pub fn satisfies(self, want: Want, exact_bools: bool) -> bool {
        match want {
            Want::Object => self.is_object(),
            Want::Null => self == Kind::Null,
            Want::MaybeNull => self.is_object() || matches!(self, Kind::Null | Kind::MaybeNull),
            Want::Iterator => self == Kind::Iterator,
            Want::VirtualIterator => self == Kind::VirtualIterator,
            Want::IteratorIndex => self == Kind::IteratorIndex,
            Want::IndexOrNull => self.is_index_or_null(),
            Want::List => self == Kind::List,
            Want::Dict => self == Kind::Dict,
            Want::DictOrNull => matches!(self, Kind::Dict | Kind::Null),
            Want::Tuple => self.is_tuple(),
            Want::Names => matches!(self, Kind::Names(_)),
            Want::Str => self == Kind::Str,
            Want::Int => self == Kind::Int,
            Want::Code => matches!(self, Kind::Code(_)),
            Want::Function => matches!(self, Kind::Function(_)),
            Want::OpenFunction => matches!(self, Kind::Function(_) | Kind::OpenFunction(..)),
            Want::Cells => matches!(self, Kind::Cells(_)),
            Want::Condition if !exact_bools => self.is_object(),
            Want::Bool | Want::Condition => self == Kind::Bool,
            Want::Exception => self == Kind::Exception,
            Want::Previous
            | Want::ExceptionTraceback
            | Want::ExceptionValue
            | Want::PreviousTraceback
            | Want::PreviousValue => self == Kind::of(want),
            Want::Lasti => self == Kind::Lasti,
            Want::MaybeException => matches!(self, Kind::Exception | Kind::MaybeException),
        }
    }

    /// The kind of an output.
    pub fn of(want: Want) -> Self {
        match want {
            Want::Null => Kind::Null,
            Want::MaybeNull => Kind::MaybeNull,
            Want::Iterator => Kind::Iterator,
            Want::VirtualIterator => Kind::VirtualIterator,
            Want::IteratorIndex => Kind::IteratorIndex,
            Want::IndexOrNull => Kind::IndexOrNull,
            Want::List => Kind::List,
            Want::Dict => Kind::Dict,
            Want::Tuple => Kind::Tuple,
            Want::Str => Kind::Str,
            Want::Int => Kind::Int,
            Want::Function => Kind::Function(Callee::default()),
            Want::Bool => Kind::Bool,
            Want::Exception => Kind::Exception,
            Want::Previous => Kind::Previous,
            Want::ExceptionTraceback => Kind::ExceptionTraceback,
            Want::ExceptionValue => Kind::ExceptionValue,
            Want::PreviousTraceback => Kind::PreviousTraceback,
            Want::PreviousValue => Kind::PreviousValue,
            Want::Lasti => Kind::Lasti,
            Want::MaybeException => Kind::MaybeException,
            _ => Kind::Object,
        }
    }

    /// What is known when the value may be either.
    pub fn join(self, other: Self) -> Option<Self> {
        use Kind::{Borrowed, Exception, MaybeException, MaybeNull, Null, Saved, Tuple};
        let nullable = |kind: Kind| matches!(kind, Null | MaybeNull) || kind.is_object();
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Borrowed(_), Borrowed(_)) => None,
            // What may be borrowed is treated as if it were.
            (Borrowed(slot), other) | (other, Borrowed(slot)) => other.is_object().then_some(Borrowed(slot)),
            (Exception, MaybeException) | (MaybeException, Exception) => Some(MaybeException),
            (Saved(a), Saved(b)) => Some(Saved(a | b)),
            (a, b) if a.is_tuple() && b.is_tuple() => Some(Tuple),
            (a, b) if a.is_object() && b.is_object() => Some(Kind::Object),
            (a, b) if a.is_index_or_null() && b.is_index_or_null() => Some(Kind::IndexOrNull),
            (a, b) if nullable(a) && nullable(b) => Some(MaybeNull),
            _ => None,
        }
    }
}

/// What a slot of the frame may hold: a set of bits.
pub(super) mod slot {
    use super::Kind;

    pub const UNBOUND: u8 = 1;
    pub const OBJECT: u8 = 2;
    pub const CELL: u8 = 4;
    pub const ITERATOR: u8 = 8;
    pub const TUPLE: u8 = 16;
    pub const DICT: u8 = 32;
    pub const INT: u8 = 64;

    /// What a slot holds once a value of that kind is stored in it.
    pub fn holding(kind: Kind) -> Option<u8> {
        match kind {
            Kind::Saved(bits) => Some(bits),
            Kind::Null => Some(UNBOUND),
            Kind::Cell => Some(CELL),
            kind if kind.is_object() => Some(OBJECT),
            _ => None,
        }
    }

    /// The kind a load finds, unless the slot may be unbound or a mixture.
    pub fn loaded(bits: u8) -> Option<Kind> {
        match bits {
            CELL => Some(Kind::Cell),
            ITERATOR => Some(Kind::Iterator),
            TUPLE => Some(Kind::Tuple),
            DICT => Some(Kind::Dict),
            INT => Some(Kind::Int),
            bits if bits & (CELL | UNBOUND) == 0 => Some(Kind::Object),
            _ => None,
        }
    }

    /// What the compiler's own parameters hold (Python/compile.c).
    pub fn parameter(name: &[u8]) -> u8 {
        match name {
            b".0" => ITERATOR,
            b".defaults" => TUPLE,
            b".kwdefaults" => DICT,
            b".format" => INT,
            _ => OBJECT,
        }
    }

    /// Name of the contents, for messages.
    pub fn describe(bits: u8) -> &'static str {
        match bits {
            UNBOUND => "nothing",
            CELL => "a cell",
            bits if bits & CELL == 0 => "a value",
            _ => "a cell or a value",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_lose_knowledge_but_never_gain_it() {
        assert_eq!(Kind::List.join(Kind::Dict), Some(Kind::Object));
        assert_eq!(Kind::Null.join(Kind::Object), Some(Kind::MaybeNull));
        assert_eq!(Kind::Names(2).join(Kind::Names(3)), Some(Kind::Tuple));
        assert_eq!(Kind::Previous.join(Kind::Object), None);
        assert_eq!(Kind::Borrowed(1).join(Kind::Object), Some(Kind::Borrowed(1)));
        assert_eq!(Kind::Borrowed(1).join(Kind::Borrowed(2)), None);
        assert_eq!(Kind::Borrowed(1).join(Kind::Null), None);
        let callee = Callee::default();
        assert_eq!(Kind::OpenFunction(1, callee).join(Kind::Function(callee)), None);
    }

    #[test]
    fn conditions_are_exact_only_where_the_version_insists() {
        assert!(Kind::Object.satisfies(Want::Condition, false));
        assert!(!Kind::Object.satisfies(Want::Condition, true));
        assert!(Kind::Bool.satisfies(Want::Condition, true));
    }
}
