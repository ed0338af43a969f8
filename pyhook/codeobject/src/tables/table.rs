//! One version's opcodes, ready for look-up by number and by name.

use std::sync::{LazyLock, OnceLock};

use super::facts::{Facts, Jump, Op, Operand};
use super::rules::{Rules, rules};
use super::signature::Signature;
use super::{v3_9, v3_10, v3_11, v3_12, v3_13, v3_14, v3_15};
use crate::Version;

/// An instruction in one version.
#[derive(Debug)]
pub struct OpInfo {
    /// The instruction.
    pub op: Op,
    /// Its number.
    pub number: u8,
    /// Cache units that follow it.
    pub caches: u8,
    /// What its operand means.
    pub operand: Operand,
    /// Whether and how it jumps.
    pub jump: Jump,
    effect: Effect,
}

impl OpInfo {
    /// What it does to the stack.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        self.effect.signature().expect("generated signature")
    }
}

/// A stack signature that is read when it is first asked for: a process asks for few.
#[derive(Debug)]
struct Effect {
    notation: &'static str,
    signature: OnceLock<Option<Signature>>,
}

impl Effect {
    const fn new(notation: &'static str) -> Self {
        Self { notation, signature: OnceLock::new() }
    }

    fn signature(&self) -> Option<&Signature> {
        self.signature.get_or_init(|| Signature::parse(self.notation)).as_ref()
    }
}

/// What an opcode number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing the compiler writes into `co_code`.
    Unknown,
    /// A prefix.
    ExtendedArg,
    /// An instruction.
    Plain(Shape),
    /// Two instructions in one.
    Fused(Op, Op),
}

/// What reading and writing an instruction takes, small enough for a look-up by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The instruction.
    pub op: Op,
    /// Its number.
    pub number: u8,
    /// Cache units that follow it.
    pub caches: u8,
    /// Whether and how it jumps.
    pub jump: Jump,
}

/// One version's opcodes.
#[derive(Debug)]
pub struct Table {
    /// The rules of the version.
    pub rules: &'static Rules,
    facts: &'static Facts,
    infos: Vec<OpInfo>,
    intrinsics1: Vec<Effect>,
    intrinsics2: Vec<Effect>,
    by_number: [Meaning; 256],
    by_op: [u8; 256],
    shapes: [Option<Shape>; 256],
}

const ABSENT: u8 = u8::MAX;

impl Table {
    fn new(facts: &'static Facts, version: Version) -> Self {
        let mut by_number = [Meaning::Unknown; 256];
        let mut by_op = [ABSENT; 256];
        let mut shapes = [None; 256];
        by_number[usize::from(facts.extended_arg)] = Meaning::ExtendedArg;
        for (number, first, second) in facts.fused {
            by_number[usize::from(*number)] = Meaning::Fused(*first, *second);
        }
        let mut infos = Vec::with_capacity(facts.rows.len());
        for row in facts.rows {
            let place = infos.len() as u8;
            let shape = Shape { op: row.op, number: row.number, caches: row.caches, jump: row.jump };
            by_number[usize::from(row.number)] = Meaning::Plain(shape);
            shapes[row.op as usize] = Some(shape);
            by_op[row.op as usize] = place;
            infos.push(OpInfo {
                op: row.op,
                number: row.number,
                caches: row.caches,
                operand: row.operand,
                jump: row.jump,
                effect: Effect::new(row.signature.text()),
            });
        }
        Self {
            rules: rules(version),
            facts,
            infos,
            intrinsics1: effects(facts.intrinsics1),
            intrinsics2: effects(facts.intrinsics2),
            by_number,
            by_op,
            shapes,
        }
    }

    /// What an opcode number stands for.
    #[must_use]
    pub fn meaning(&self, number: u8) -> Meaning {
        self.by_number[usize::from(number)]
    }

    /// What writing the instruction takes, if the version has it.
    #[must_use]
    pub fn shape(&self, op: Op) -> Option<Shape> {
        self.shapes[op as usize]
    }

    /// The instruction, if the version has it.
    #[must_use]
    pub fn info(&self, op: Op) -> Option<&OpInfo> {
        self.infos.get(usize::from(self.by_op[op as usize]))
    }

    /// Whether the version has the instruction.
    #[must_use]
    pub fn has(&self, op: Op) -> bool {
        self.by_op[op as usize] != ABSENT
    }

    /// All instructions of the version, by number.
    #[must_use]
    pub fn infos(&self) -> &[OpInfo] {
        &self.infos
    }

    /// Number of the single instruction that does both.
    #[must_use]
    pub fn fused(&self, first: Op, second: Op) -> Option<u8> {
        let mut pairs = self.facts.fused.iter();
        pairs.find(|(_, a, b)| (*a, *b) == (first, second)).map(|pair| pair.0)
    }

    /// Number of the prefix that widens an operand.
    #[must_use]
    pub fn extended_arg(&self) -> u8 {
        self.facts.extended_arg
    }

    /// Magic number of `.pyc` files.
    #[must_use]
    pub fn magic(&self) -> u16 {
        self.facts.magic
    }

    /// Digest of the interpreter's opcode map and cache counts, see [`super::digest`].
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.facts.digest
    }

    /// Operators of `BINARY_OP` by operand; empty before 3.11.
    #[must_use]
    pub fn binary_operators(&self) -> &'static [&'static str] {
        self.facts.binary_operators
    }

    /// Objects of `LOAD_COMMON_CONSTANT` by operand: a name or a literal.
    #[must_use]
    pub fn common_constants(&self) -> &'static [&'static str] {
        self.facts.common_constants
    }

    /// Methods of `LOAD_SPECIAL` by operand.
    #[must_use]
    pub fn special_methods(&self) -> &'static [&'static str] {
        self.facts.special_methods
    }

    /// Signature of an intrinsic function taking one or two values.
    pub(crate) fn intrinsic(&self, operand: Operand, arg: u32) -> Option<&Signature> {
        let list = match operand {
            Operand::Intrinsic1 => &self.intrinsics1,
            Operand::Intrinsic2 => &self.intrinsics2,
            _ => return None,
        };
        list.get(arg as usize)?.signature()
    }
}

fn effects(notations: &[&'static str]) -> Vec<Effect> {
    notations.iter().copied().map(Effect::new).collect()
}

/// By version. Each is made when it is first asked for: a process has one.
static TABLES: [LazyLock<Table>; 7] = [
    LazyLock::new(|| Table::new(&v3_9::FACTS, Version::Py39)),
    LazyLock::new(|| Table::new(&v3_10::FACTS, Version::Py310)),
    LazyLock::new(|| Table::new(&v3_11::FACTS, Version::Py311)),
    LazyLock::new(|| Table::new(&v3_12::FACTS, Version::Py312)),
    LazyLock::new(|| Table::new(&v3_13::FACTS, Version::Py313)),
    LazyLock::new(|| Table::new(&v3_14::FACTS, Version::Py314)),
    LazyLock::new(|| Table::new(&v3_15::FACTS, Version::Py315)),
];

/// The opcodes of a version.
#[must_use]
pub fn table(version: Version) -> &'static Table {
    &TABLES[version as usize]
}
