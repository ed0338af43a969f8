//! Instructions in the words of the portable vocabulary.

use super::Found;
use crate::edit::constants::loaded;
use crate::edit::operators::{BINARY, COMPARE_OPERATORS, compare_number, unary_name};
use crate::edit::target::Target;
use crate::tables::{Op, Operand};
use crate::{Instruction, Text};

/// Whether an instruction says nothing about what the source does. `TO_BOOL` is a part of what follows it
/// (`not`, a test) on the versions that have it.
pub(super) fn is_invisible(op: Op) -> bool {
    matches!(op, Op::Nop | Op::Precall | Op::PushNull | Op::NotTaken | Op::ToBool)
}

/// The portable word of an instruction and its operand; `None` if only its name says what it is.
pub(super) fn portable(target: &Target, index: usize) -> Option<(&'static str, Found)> {
    let instruction = &target.body.instructions[index];
    let named = |word: &'static str| Some((word, Found::Name(name(target, instruction)?)));
    match instruction.op {
        Op::LoadFast | Op::LoadFastBorrow | Op::LoadFastCheck | Op::LoadDeref => {
            Some(("load", Found::Name(variable(target, instruction)?)))
        }
        Op::StoreFast | Op::StoreDeref => Some(("store", Found::Name(variable(target, instruction)?))),
        Op::LoadGlobal | Op::LoadName => named("global"),
        Op::LoadMethod => named("method"),
        Op::LoadAttr => named(if is_method(target, instruction) { "method" } else { "attr" }),
        Op::BinarySubscr => Some(("subscr", Found::None)),
        Op::CallFunction | Op::CallMethod => Some(("call", Found::Number(instruction.arg))),
        Op::Call if !has_keywords(target, index) => Some(("call", Found::Number(instruction.arg))),
        Op::PopTop => Some(("pop", Found::None)),
        Op::DupTop => Some(("dup", Found::None)),
        Op::Copy if instruction.arg == 1 => Some(("dup", Found::None)),
        Op::RotTwo => Some(("swap", Found::None)),
        Op::Swap if instruction.arg == 2 => Some(("swap", Found::None)),
        Op::LoadConst | Op::LoadSmallInt | Op::LoadCommonConstant => {
            Some(("const", Found::Value(loaded(target, instruction)?)))
        }
        _ => operator(target, instruction),
    }
}

fn operator(target: &Target, instruction: &Instruction) -> Option<(&'static str, Found)> {
    if let Some(number) = compare_number(target, instruction) {
        return Some(("compare", Found::Operator(COMPARE_OPERATORS.get(number)?)));
    }
    if let Some(operator) = unary_name(instruction) {
        return Some(("unary", Found::Operator(operator)));
    }
    if instruction.op == Op::BinaryOp {
        let operator = *target.table.binary_operators().get(instruction.arg as usize)?;
        return Some(match operator {
            "[]" => ("subscr", Found::None),
            operator if operator.ends_with('=') => ("inplace", Found::Operator(plain(operator))),
            operator => ("binop", Found::Operator(operator)),
        });
    }
    BINARY.iter().find_map(|(operator, plain, in_place)| match instruction.op {
        op if op == *plain => Some(("binop", Found::Operator(operator))),
        op if op == *in_place => Some(("inplace", Found::Operator(operator))),
        _ => None,
    })
}

/// `+` for `+=`.
pub(super) fn plain(operator: &'static str) -> &'static str {
    operator.strip_suffix('=').unwrap_or(operator)
}

/// The operand of an instruction that is known by its name only.
pub(super) fn bare(target: &Target, index: usize) -> Found {
    let instruction = &target.body.instructions[index];
    match instruction.target {
        Some(label) => Found::Label(label),
        None => Found::Number(instruction.arg),
    }
}

fn name(target: &Target, instruction: &Instruction) -> Option<Text> {
    let (index, ..) = target.name_operand(instruction)?;
    target.code.names.get(index).cloned()
}

/// Name of the variable that an instruction loads or stores.
fn variable(target: &Target, instruction: &Instruction) -> Option<Text> {
    let slot = instruction.arg as usize;
    let unified = target.table.rules.unified_slots;
    match target.table.info(instruction.op)?.operand {
        Operand::Local | Operand::Slot if unified => {
            target.code.slot_names().get(slot).map(|&name| name.clone())
        }
        Operand::Local => target.code.varnames.get(slot).cloned(),
        Operand::Slot => target.code.cellvars.iter().chain(&target.code.freevars).nth(slot).cloned(),
        _ => None,
    }
}

/// `LOAD_ATTR` in the form for a call (3.12 and newer): the low bit is set.
fn is_method(target: &Target, instruction: &Instruction) -> bool {
    let operand = target.name_operand(instruction);
    operand.is_some_and(|(_, flags, shift)| shift == 1 && flags == 1)
}

/// `KW_NAMES` says that the last arguments are given by name (3.11 and 3.12).
fn has_keywords(target: &Target, index: usize) -> bool {
    let before = target.body.instructions[..index].iter().rev();
    before.map(|instruction| instruction.op).find(|op| !is_invisible(*op)) == Some(Op::KwNames)
}
