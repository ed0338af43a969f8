//! One variable in place of another.

use super::error::EditError;
use super::place::Place;
use super::target::{Target, Variable};
use crate::tables::Op;
use crate::{Instruction, Text};

/// How a variable is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Its value is taken.
    Load,
    /// It is assigned.
    Store,
}

fn accesses(instruction: &Instruction, variable: Variable, access: Access) -> bool {
    let (slot, fits) = match (variable, access) {
        (Variable::Fast(slot), Access::Load) => {
            (slot, matches!(instruction.op, Op::LoadFast | Op::LoadFastBorrow | Op::LoadFastCheck))
        }
        (Variable::Fast(slot), Access::Store) => (slot, instruction.op == Op::StoreFast),
        (Variable::Cell(slot), Access::Load) => (slot, instruction.op == Op::LoadDeref),
        (Variable::Cell(slot), Access::Store) => (slot, instruction.op == Op::StoreDeref),
    };
    fits && instruction.arg == slot
}

pub(super) fn substitute(
    target: &mut Target,
    from: &Text,
    to: &Text,
    access: Access,
    place: &Place,
) -> Result<(), EditError> {
    let old = target.variable(from)?;
    let new = target.variable(to)?;
    let what = format!("variable {from}");
    let chosen = place.choose(target, &what, |_, instruction| accesses(instruction, old, access))?;
    let (op, slot) = match (new, access) {
        (Variable::Fast(slot), Access::Load) => (Op::LoadFast, slot),
        (Variable::Fast(slot), Access::Store) => (Op::StoreFast, slot),
        (Variable::Cell(slot), Access::Load) => (Op::LoadDeref, slot),
        (Variable::Cell(slot), Access::Store) => (Op::StoreDeref, slot),
    };
    for index in chosen.into_iter().flatten() {
        target.set(index, op, slot);
    }
    // A store that is gone, or a load elsewhere, can leave a borrowed reference behind.
    target.restructured = true;
    Ok(())
}
