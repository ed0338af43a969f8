//! The shape of the generated tables `v3_*.rs`.

pub use super::op::Op;

/// What the operand of an instruction means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// No operand; the byte is kept as found.
    None,
    /// Index into the constants.
    Const,
    /// Index into the names, above this many flag bits.
    Name(u8),
    /// Slot of a local variable.
    Local,
    /// Slot (3.11 and newer) or index among cells and free variables (before).
    Slot,
    /// Jump target.
    Target,
    /// Comparison operator with the mask bits of the version.
    Compare,
    /// Binary operator of `BINARY_OP`.
    Binary,
    /// Unary intrinsic function.
    Intrinsic1,
    /// Binary intrinsic function.
    Intrinsic2,
    /// Common constant.
    Common,
    /// Special method.
    Special,
    /// Position of a `RESUME`.
    Resume,
    /// Bit of a function attribute.
    FunctionAttribute,
    /// A number with this upper limit.
    AtMost(u32),
    /// A number within these limits, both included.
    Between(u32, u32),
    /// Any number; the stack check judges it.
    Count,
}

/// How an instruction names its jump target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// Does not jump.
    None,
    /// From the beginning of the code.
    Absolute,
    /// Forward from the next instruction.
    Forward,
    /// Backward from the next instruction.
    Backward,
    /// A backward reference that is never followed (`END_ASYNC_FOR`, 3.14 and newer).
    Marker,
}

/// One instruction of one version, as generated.
#[derive(Debug)]
pub(super) struct Row {
    pub number: u8,
    pub op: Op,
    pub caches: u8,
    pub operand: Operand,
    pub jump: Jump,
    pub signature: Notation,
}

/// A stack signature in the notation of `tables/signatures.py`. Its text stands in the row itself: pointers to
/// eight hundred texts would be adjusted by the dynamic linker in every process that loads the tables.
#[derive(Debug)]
pub(super) struct Notation {
    bytes: [u8; Self::LONGEST],
    length: u8,
}

impl Notation {
    const LONGEST: usize = 39;

    const fn new(text: &str) -> Self {
        let mut notation = Self { bytes: [0; Self::LONGEST], length: text.len() as u8 };
        let mut at = 0;
        while at < text.len() {
            notation.bytes[at] = text.as_bytes()[at];
            at += 1;
        }
        notation
    }

    pub(super) fn text(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

pub(super) const fn row(
    number: u8,
    op: Op,
    caches: u8,
    operand: Operand,
    jump: Jump,
    signature: &'static str,
) -> Row {
    Row { number, op, caches, operand, jump, signature: Notation::new(signature) }
}

/// One version, as generated.
#[derive(Debug)]
pub(super) struct Facts {
    pub magic: u16,
    pub digest: u64,
    pub extended_arg: u8,
    pub rows: &'static [Row],
    pub fused: &'static [(u8, Op, Op)],
    pub binary_operators: &'static [&'static str],
    pub common_constants: &'static [&'static str],
    pub special_methods: &'static [&'static str],
    pub intrinsics1: &'static [&'static str],
    pub intrinsics2: &'static [&'static str],
}
