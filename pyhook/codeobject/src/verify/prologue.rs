//! The first instructions (3.11 and newer; Python/flowgraph.c, `insert_prefix_instructions`):
//! free variables are copied, cells made and the generator returned before anything else.

use super::{Defect, VerifyError};
use crate::CodeObject;
use crate::body::Body;
use crate::tables::{Op, table};

/// Checks the prologue against flags and variables.
pub(super) fn check(code: &CodeObject, body: &Body, targeted: &[bool]) -> Result<(), VerifyError> {
    if !table(body.version).rules.unified_slots {
        return check_start(code, body, targeted);
    }
    let fail = |index, text| Err(VerifyError::at(body, index, Defect::Prologue(text)));
    let Some(end) = resume_index(body, code.is_generator_like()) else {
        return fail(0, "no RESUME after the permitted first instructions");
    };
    if let Some(index) = (0..=end).find(|index| targeted[*index]) {
        return fail(index, "a jump leads into it");
    }
    let mut generators = 0;
    for (index, instruction) in body.instructions.iter().enumerate() {
        match instruction.op {
            Op::CopyFreeVars if index > 0 => return fail(index, "COPY_FREE_VARS must come first"),
            Op::CopyFreeVars if instruction.arg as usize != code.freevars.len() => {
                return fail(index, "COPY_FREE_VARS does not fit the free variables");
            }
            Op::ReturnGenerator if index > end => return fail(index, "RETURN_GENERATOR comes late"),
            Op::ReturnGenerator => generators += 1,
            _ => {}
        }
    }
    if !code.freevars.is_empty() && body.instructions[0].op != Op::CopyFreeVars {
        return fail(0, "free variables without COPY_FREE_VARS");
    }
    match (generators, code.is_generator_like()) {
        (0, false) | (1, true) => Ok(()),
        (0, true) => fail(0, "the flags need RETURN_GENERATOR"),
        _ => fail(0, "RETURN_GENERATOR does not fit the flags"),
    }
}

/// Index of the `RESUME` that ends the prologue.
///
/// A generator expression of 3.15 makes its iterator first, after a `RESUME` of its own.
fn resume_index(body: &Body, generator: bool) -> Option<usize> {
    let ops = body.instructions.iter().map(|instruction| instruction.op);
    let mut returned = !generator;
    for (index, op) in ops.enumerate() {
        match op {
            Op::ReturnGenerator => {
                returned = true;
                let next = body.instructions.get(index + 1)?;
                if next.op != Op::PopTop {
                    return None;
                }
            }
            Op::Resume if returned => return Some(index),
            Op::CopyFreeVars | Op::MakeCell | Op::PopTop | Op::Nop => {}
            Op::Resume | Op::LoadFast | Op::LoadFastBorrow | Op::GetIter if generator => {}
            _ => return None,
        }
    }
    None
}

/// 3.10 starts generators with `GEN_START`; 3.9 has no prologue.
fn check_start(code: &CodeObject, body: &Body, targeted: &[bool]) -> Result<(), VerifyError> {
    let needed = code.is_generator_like() && table(body.version).has(Op::GenStart);
    let mut starts = body.instructions.iter().enumerate();
    let fits = starts.all(|(index, instruction)| (instruction.op == Op::GenStart) == (needed && index == 0));
    let free = !needed || !targeted[0];
    if fits && free {
        return Ok(());
    }
    let defect = Defect::Prologue("GEN_START does not fit the flags");
    Err(VerifyError::at(body, 0, defect))
}
