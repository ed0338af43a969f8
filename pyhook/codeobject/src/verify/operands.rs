//! Operand ranges: indices, operator numbers, masks.

use super::{Defect, VerifyError};
use crate::body::Body;
use crate::tables::{CompareLayout, Op, Operand, Table, table};
use crate::{CodeObject, Constant};

/// Outcomes that count as true for `<`, `<=`, `==`, `!=`, `>`, `>=`
/// (Include/internal/pycore_code.h, `COMPARISON_*`).
pub(crate) const COMPARE_MASKS: [u32; 6] = [2, 10, 8, 7, 4, 12];

struct Limits<'a> {
    code: &'a CodeObject,
    table: &'a Table,
    locals: usize,
    slots: usize,
}

/// Checks every operand on its own.
pub(super) fn check(code: &CodeObject, body: &Body) -> Result<(), VerifyError> {
    let table = table(body.version);
    let free = code.freevars.len();
    let (locals, slots) = match table.rules.unified_slots {
        true => {
            let all = code.varnames.len() + code.own_cells().count() + free;
            (all, all)
        }
        false => (code.varnames.len(), code.cellvars.len() + free),
    };
    let limits = Limits { code, table, locals, slots };
    for (index, instruction) in body.instructions.iter().enumerate() {
        let op = instruction.op;
        let defect = match table.info(op) {
            Some(info) if limits.allows(info.operand, op, instruction.arg) => continue,
            _ => Defect::Operand(instruction.arg),
        };
        return Err(VerifyError::at(body, index, defect));
    }
    Ok(())
}

impl Limits<'_> {
    fn allows(&self, operand: Operand, op: Op, arg: u32) -> bool {
        let below = |count: usize| (arg as usize) < count;
        match operand {
            Operand::None | Operand::Target | Operand::Count => true,
            Operand::Const => below(self.code.consts.len()) && self.constant_fits(op, arg),
            Operand::Name(shift) => {
                let index = (arg >> shift) as usize;
                index < self.code.names.len() && !(op == Op::ImportName && shift > 0 && arg & 3 == 3)
            }
            Operand::Local => below(self.locals),
            Operand::Slot => below(self.slots),
            Operand::Compare => compare_fits(self.table.rules.compare, arg),
            Operand::Binary => below(self.table.binary_operators().len()),
            Operand::Intrinsic1 | Operand::Intrinsic2 => self.table.intrinsic(operand, arg).is_some(),
            Operand::Common => below(self.table.common_constants().len()),
            Operand::Special => below(self.table.special_methods().len()),
            Operand::Resume => self.table.rules.resume.contains(&arg),
            Operand::FunctionAttribute => {
                arg.is_power_of_two() && arg <= self.table.rules.function_attributes
            }
            Operand::AtMost(most) => arg <= most,
            Operand::Between(least, most) => (least..=most).contains(&arg),
        }
    }

    fn constant_fits(&self, op: Op, arg: u32) -> bool {
        let constant = &self.code.consts[arg as usize];
        op != Op::KwNames || Constant::is_tuple_of_str(constant)
    }
}

fn compare_fits(layout: CompareLayout, arg: u32) -> bool {
    let Some(mask) = COMPARE_MASKS.get((arg >> layout.shift) as usize) else {
        return false;
    };
    let low = arg & ((1 << layout.shift) - 1) & !layout.to_bool;
    !layout.masks || low == *mask
}
