//! What an operand stands for.

use crate::body::Body;
use crate::tables::{Op, Operand, Table, table};
use crate::{CodeObject, Text};

const COMPARISONS: [&str; 6] = ["<", "<=", "==", "!=", ">", ">="];

/// What the operand of the instruction at an index stands for, as `dis` writes it; `None` where the
/// number says it all, and for jumps, whose target is a label.
#[must_use]
pub fn operand(code: &CodeObject, body: &Body, index: usize) -> Option<String> {
    let instruction = body.instructions.get(index)?;
    let (op, arg) = (instruction.op, instruction.arg as usize);
    let table = table(body.version);
    match table.info(op)?.operand {
        Operand::Const => Some(code.consts.get(arg)?.to_string()),
        Operand::Name(shift) => {
            let name = code.names.get(arg >> shift)?;
            Some(format!("{name}{}", with_null(table, op, instruction.arg)))
        }
        Operand::Local | Operand::Slot => Some(slot_name(code, body, op, instruction.arg)?.to_string()),
        Operand::Compare => {
            COMPARISONS.get(arg >> table.rules.compare.shift).map(|operator| (*operator).to_owned())
        }
        Operand::Binary => table.binary_operators().get(arg).map(|operator| (*operator).to_owned()),
        Operand::Common => table.common_constants().get(arg).map(|name| (*name).to_owned()),
        Operand::Special => table.special_methods().get(arg).map(|name| (*name).to_owned()),
        _ => tested(op, instruction.arg).map(str::to_owned),
    }
}

/// Name of the variable that a load, store or delete of a slot means.
#[must_use]
pub fn slot_name<'a>(code: &'a CodeObject, body: &Body, op: Op, arg: u32) -> Option<&'a Text> {
    let table = table(body.version);
    let index = arg as usize;
    match table.info(op)?.operand {
        Operand::Local | Operand::Slot if table.rules.unified_slots => code.slot_names().get(index).copied(),
        Operand::Local => code.varnames.get(index),
        Operand::Slot => code.cellvars.iter().chain(&code.freevars).nth(index),
        _ => None,
    }
}

/// The lowest bit of these says that a NULL, or a method's `self`, is pushed as well.
fn with_null(table: &Table, op: Op, arg: u32) -> &'static str {
    let flagged = matches!(table.info(op).map(|info| info.operand), Some(Operand::Name(1..)));
    match op {
        Op::LoadGlobal if flagged && arg & 1 == 1 => " + NULL",
        Op::LoadAttr if flagged && arg & 1 == 1 => " + NULL|self",
        _ => "",
    }
}

fn tested(op: Op, arg: u32) -> Option<&'static str> {
    match (op, arg) {
        (Op::IsOp, 0) => Some("is"),
        (Op::IsOp, 1) => Some("is not"),
        (Op::ContainsOp, 0) => Some("in"),
        (Op::ContainsOp, 1) => Some("not in"),
        _ => None,
    }
}
