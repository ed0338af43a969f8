//! Slots: locals, cells, free variables and borrowed references.

use super::Defect;
use super::kind::{Kind, slot};
use super::state::{State, mismatch};
use crate::tables::{Op, Rules, Want};

/// Applies a load, store or delete of a slot. `None` if the instruction is none of these.
pub(super) fn step(op: Op, slot: u32, state: &mut State, rules: &Rules) -> Option<Result<(), Defect>> {
    Some(match op {
        Op::LoadFast | Op::LoadFastBorrow => load(op, slot, state, rules),
        Op::LoadFastCheck => load_checked(slot, state),
        Op::LoadFastAndClear => {
            let bits = state.slots[slot as usize];
            state.stack.push(Kind::Saved(bits));
            unbind(slot, state)
        }
        Op::StoreFast => store(slot, state),
        Op::DeleteFast => unbind(slot, state),
        Op::MakeCell => make_cell(slot, state),
        Op::LoadClosure => cell(slot, state, rules).map(|()| state.stack.push(Kind::Cell)),
        Op::LoadDeref | Op::LoadClassderef => {
            cell(slot, state, rules).map(|()| state.stack.push(Kind::Object))
        }
        Op::StoreDeref => state.take(Want::Object, rules).and_then(|_| cell(slot, state, rules)),
        Op::LoadFromDictOrDeref => {
            let taken = state.take(Want::Object, rules);
            taken.and_then(|_| cell(slot, state, rules).map(|()| state.stack.push(Kind::Object)))
        }
        Op::DeleteDeref => cell(slot, state, rules),
        _ => return None,
    })
}

fn load(op: Op, slot: u32, state: &mut State, rules: &Rules) -> Result<(), Defect> {
    let bits = state.slots[slot as usize];
    // A load that tests for NULL itself leaves the slot bound.
    let bits = match rules.unchecked_loads {
        true if bits & slot::UNBOUND != 0 => return Err(Defect::Unbound(slot)),
        true => bits,
        false if bits == slot::UNBOUND => slot::OBJECT,
        false => bits & !slot::UNBOUND,
    };
    let found = slot::describe(bits);
    let kind = slot::loaded(bits).ok_or(Defect::Slot { slot, found })?;
    if kind == Kind::Cell && !rules.cells_by_load_fast {
        return Err(Defect::Slot { slot, found });
    }
    let lent = op == Op::LoadFastBorrow && kind == Kind::Object;
    state.stack.push(if lent { Kind::Borrowed(slot) } else { kind });
    Ok(())
}

fn load_checked(slot: u32, state: &mut State) -> Result<(), Defect> {
    let bits = match state.slots[slot as usize] {
        slot::UNBOUND => slot::OBJECT,
        bits => bits & !slot::UNBOUND,
    };
    let found = slot::describe(bits);
    let kind = slot::loaded(bits).ok_or(Defect::Slot { slot, found })?;
    state.set_slot(slot, bits);
    state.stack.push(kind);
    Ok(())
}

fn store(slot: u32, state: &mut State) -> Result<(), Defect> {
    let kind = state.pop()?;
    if let Kind::Borrowed(lender) = kind {
        return Err(Defect::Borrow(lender));
    }
    let bits = slot::holding(kind).ok_or_else(|| mismatch(Want::Object, kind))?;
    if state.lends(slot) {
        return Err(Defect::Borrow(slot));
    }
    state.set_slot(slot, bits);
    Ok(())
}

fn unbind(slot: u32, state: &mut State) -> Result<(), Defect> {
    if state.lends(slot) {
        return Err(Defect::Borrow(slot));
    }
    state.set_slot(slot, slot::UNBOUND);
    Ok(())
}

/// What the slot held goes into the new cell, even a cell (3.12 does that to a free variable).
fn make_cell(slot: u32, state: &mut State) -> Result<(), Defect> {
    if state.lends(slot) {
        return Err(Defect::Borrow(slot));
    }
    state.set_slot(slot, slot::CELL);
    Ok(())
}

/// Cells have an array of their own before 3.11; there the range check says it all.
fn cell(slot: u32, state: &State, rules: &Rules) -> Result<(), Defect> {
    if !rules.unified_slots {
        return Ok(());
    }
    let bits = state.slots[slot as usize];
    let found = slot::describe(bits);
    match bits {
        slot::CELL => Ok(()),
        _ => Err(Defect::Slot { slot, found }),
    }
}
