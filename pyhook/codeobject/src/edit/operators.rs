//! Operators: binary, unary, comparisons, and the sense of conditional jumps.

use super::error::EditError;
use super::place::Place;
use super::target::Target;
use crate::Instruction;
use crate::tables::{Op, Table};
use crate::verify::COMPARE_MASKS;

/// Comparison operators by name.
pub const COMPARE_OPERATORS: [&str; 10] = ["<", "<=", "==", "!=", ">", ">=", "in", "not in", "is", "is not"];

/// Unary operators by name.
pub const UNARY_OPERATORS: [&str; 4] = ["-", "+", "~", "not"];

/// One opcode for each operator, in-place after plain (3.10 and older).
pub(super) const BINARY: [(&str, Op, Op); 13] = [
    ("+", Op::BinaryAdd, Op::InplaceAdd),
    ("-", Op::BinarySubtract, Op::InplaceSubtract),
    ("*", Op::BinaryMultiply, Op::InplaceMultiply),
    ("@", Op::BinaryMatrixMultiply, Op::InplaceMatrixMultiply),
    ("/", Op::BinaryTrueDivide, Op::InplaceTrueDivide),
    ("//", Op::BinaryFloorDivide, Op::InplaceFloorDivide),
    ("%", Op::BinaryModulo, Op::InplaceModulo),
    ("**", Op::BinaryPower, Op::InplacePower),
    ("<<", Op::BinaryLshift, Op::InplaceLshift),
    (">>", Op::BinaryRshift, Op::InplaceRshift),
    ("&", Op::BinaryAnd, Op::InplaceAnd),
    ("|", Op::BinaryOr, Op::InplaceOr),
    ("^", Op::BinaryXor, Op::InplaceXor),
];

/// Conditional jumps that differ only in sense.
const OPPOSITES: [(Op, Op); 6] = [
    (Op::PopJumpIfTrue, Op::PopJumpIfFalse),
    (Op::PopJumpIfNone, Op::PopJumpIfNotNone),
    (Op::PopJumpForwardIfTrue, Op::PopJumpForwardIfFalse),
    (Op::PopJumpForwardIfNone, Op::PopJumpForwardIfNotNone),
    (Op::PopJumpBackwardIfTrue, Op::PopJumpBackwardIfFalse),
    (Op::PopJumpBackwardIfNone, Op::PopJumpBackwardIfNotNone),
];

/// `UNARY_POSITIVE` as an intrinsic function (3.12 and newer).
const INTRINSIC_POSITIVE: u32 = 5;

pub(super) fn unknown(operator: &str) -> EditError {
    EditError::UnknownOperator(operator.into())
}

pub(super) fn binary(table: &Table, operator: &str) -> Option<(Op, u32)> {
    let listed = table.binary_operators().iter().position(|known| *known == operator);
    if let Some(arg) = listed {
        return Some((Op::BinaryOp, arg as u32));
    }
    let inplace = operator.strip_suffix('=');
    let plain = inplace.unwrap_or(operator);
    let (_, plain, in_place) = BINARY.iter().find(|(known, ..)| *known == plain)?;
    let op = if inplace.is_some() { *in_place } else { *plain };
    table.has(op).then_some((op, 0))
}

pub(super) fn binop(target: &mut Target, from: &str, to: &str, place: &Place) -> Result<(), EditError> {
    let old = binary(target.table, from).ok_or_else(|| unknown(from))?;
    let new = binary(target.table, to).ok_or_else(|| unknown(to))?;
    let what = format!("operator {from}");
    let has_arg = old.0 == Op::BinaryOp;
    let chosen = place.choose(target, &what, |_, instruction| {
        instruction.op == old.0 && (!has_arg || instruction.arg == old.1)
    })?;
    for index in chosen.into_iter().flatten() {
        target.set(index, new.0, new.1);
    }
    Ok(())
}

pub(super) fn unary_name(instruction: &Instruction) -> Option<&'static str> {
    match instruction.op {
        Op::UnaryNegative => Some("-"),
        Op::UnaryPositive => Some("+"),
        Op::CallIntrinsic1 if instruction.arg == INTRINSIC_POSITIVE => Some("+"),
        Op::UnaryInvert => Some("~"),
        Op::UnaryNot => Some("not"),
        _ => None,
    }
}

/// The instruction of a unary operator; `not` takes a bool where the version has exact ones.
pub(super) fn unary_op(table: &Table, operator: &str) -> Result<(Op, u32), EditError> {
    Ok(match operator {
        "-" => (Op::UnaryNegative, 0),
        "+" if table.has(Op::UnaryPositive) => (Op::UnaryPositive, 0),
        "+" => (Op::CallIntrinsic1, INTRINSIC_POSITIVE),
        "~" => (Op::UnaryInvert, 0),
        "not" => (Op::UnaryNot, 0),
        _ => return Err(unknown(operator)),
    })
}

/// The instruction of a comparison, its result not converted to a bool.
pub(super) fn comparison(table: &Table, operator: &str) -> Result<(Op, u32), EditError> {
    let known = COMPARE_OPERATORS.iter().position(|known| *known == operator);
    let number = known.ok_or_else(|| unknown(operator))?;
    let inverted = (number % 2) as u32;
    let layout = table.rules.compare;
    let mask = if layout.masks { COMPARE_MASKS } else { Default::default() };
    Ok(match number {
        6 | 7 => (Op::ContainsOp, inverted),
        8 | 9 => (Op::IsOp, inverted),
        _ => (Op::CompareOp, (number as u32) << layout.shift | mask[number]),
    })
}

pub(super) fn unary(target: &mut Target, from: &str, to: &str, place: &Place) -> Result<(), EditError> {
    if !UNARY_OPERATORS.contains(&from) {
        return Err(unknown(from));
    }
    let exact = target.table.rules.exact_bools;
    let new: &[(Op, u32)] = match to {
        "not" if exact => &[(Op::ToBool, 0), (Op::UnaryNot, 0)],
        "none" => &[(Op::Nop, 0)],
        _ => &[unary_op(target.table, to)?],
    };
    let what = format!("unary {from}");
    let chosen = place.choose(target, &what, |_, instruction| unary_name(instruction) == Some(from))?;
    // Dropped, the operand itself goes where the result went, and must be owned there.
    target.restructured |= to == "none";
    for index in backwards(chosen) {
        let converted = index.checked_sub(1).filter(|before| target.op(*before) == Op::ToBool);
        let tested = needs_bool(target, index);
        match new {
            [(op, arg)] => target.set(index, *op, *arg),
            several => target.replace(index, several),
        }
        // `not x` tested by a jump: the other operators need the conversion after them.
        if exact && from == "not" && to != "not" {
            if let Some(before) = converted {
                target.set(before, Op::Nop, 0);
            }
            if tested {
                target.replace(index, &[new[0], (Op::ToBool, 0)]);
            }
        }
    }
    Ok(())
}

/// Whether the value an instruction leaves is taken by one that insists on a bool.
pub(super) fn needs_bool(target: &Target, index: usize) -> bool {
    let tests = |op: Option<Op>| matches!(op, Some(Op::PopJumpIfTrue | Op::PopJumpIfFalse | Op::UnaryNot));
    let next = target.next_op(index);
    target.table.rules.exact_bools
        && (tests(next) || next == Some(Op::Copy) && tests(target.next_op(index + 1)))
}

/// From the end, so that insertions do not move what is still to be done.
pub(super) fn backwards(chosen: Vec<Vec<usize>>) -> Vec<usize> {
    let mut all: Vec<usize> = chosen.into_iter().flatten().collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    all
}

pub(super) fn compare_number(target: &Target, instruction: &Instruction) -> Option<usize> {
    let inverted = usize::from(instruction.arg & 1 == 1);
    match instruction.op {
        Op::CompareOp => Some((instruction.arg >> target.table.rules.compare.shift) as usize),
        Op::ContainsOp => Some(6 + inverted),
        Op::IsOp => Some(8 + inverted),
        _ => None,
    }
}

pub(super) fn compare(target: &mut Target, from: &str, to: &str, place: &Place) -> Result<(), EditError> {
    let known = COMPARE_OPERATORS.iter().position(|known| *known == from);
    let old = known.ok_or_else(|| unknown(from))?;
    let (op, arg) = comparison(target.table, to)?;
    let what = format!("comparison {from}");
    let chosen =
        place.choose(target, &what, |_, instruction| compare_number(target, instruction) == Some(old))?;
    for index in chosen.into_iter().flatten() {
        let layout = target.table.rules.compare;
        let old = target.body.instructions[index];
        let converts = match old.op {
            Op::CompareOp => old.arg & layout.to_bool != 0,
            _ => needs_bool(target, index),
        };
        let to_bool = if converts && op == Op::CompareOp { layout.to_bool } else { 0 };
        target.set(index, op, arg | to_bool);
    }
    Ok(())
}

fn opposite(op: Op) -> Option<Op> {
    OPPOSITES.iter().find_map(|(a, b)| match op {
        op if op == *a => Some(*b),
        op if op == *b => Some(*a),
        _ => None,
    })
}

pub(super) fn negate(target: &mut Target, place: &Place) -> Result<(), EditError> {
    let chosen = place.choose(target, "a test", |_, instruction| opposite(instruction.op).is_some())?;
    for index in chosen.into_iter().flatten() {
        if let Some(other) = opposite(target.op(index)) {
            target.set(index, other, 0);
        }
    }
    Ok(())
}
