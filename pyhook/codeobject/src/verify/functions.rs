//! Functions made by the code: their closures, and what calling them needs and gives.

use super::Defect;
use super::kind::{Callee, Kind};
use super::state::{State, mismatch};
use crate::tables::{Handlers, Op, Table, Want};
use crate::{CodeObject, flags};

/// The kind of the function `MAKE_FUNCTION` leaves.
pub(super) fn made(code: &CodeObject, table: &Table, state: &State) -> Result<Kind, Defect> {
    let Kind::Code(index) = state.peek(code_depth(table))? else {
        return Ok(Kind::Function(Callee::default()));
    };
    let Some(nested) = code.consts[index as usize].as_code() else {
        return Ok(Kind::Function(Callee::default()));
    };
    let callee = Callee {
        generator: nested.flags & flags::GENERATOR != 0,
        iterates: iterates_argument(nested, table),
    };
    // Up to 3.12 the closure is given at once, and has been checked.
    let later = table.rules.function_attributes > 0;
    Ok(match nested.freevars.len() as u32 {
        free if free > 0 && later => Kind::OpenFunction(free, callee),
        _ => Kind::Function(callee),
    })
}

/// Position of the code object: to 3.10 the name lies above it.
fn code_depth(table: &Table) -> u32 {
    1 + u32::from(table.rules.handlers == Handlers::Blocks)
}

/// Whether a comprehension loops over its argument `.0` without making it an iterator.
fn iterates_argument(code: &CodeObject, table: &Table) -> bool {
    if code.varnames.first().is_none_or(|name| *name != ".0") {
        return false;
    }
    let number = |op| table.info(op).map(|info| info.number);
    let loads = [number(Op::LoadFast), number(Op::LoadFastBorrow)];
    let units: Vec<&[u8]> = code.code.chunks_exact(2).collect();
    units.windows(2).any(|pair| {
        let loads = pair[0][1] == 0 && loads.contains(&Some(pair[0][0]));
        loads && (Some(pair[1][0]) == number(Op::ForIter) || pair[1][0] == table.extended_arg())
    })
}

/// A comprehension's function may only be called with an iterator; then it is like any other.
pub(super) fn admit_comprehension(op: Op, arg: u32, state: &mut State) {
    let depth = match op {
        Op::CallFunction => arg.saturating_add(1),
        Op::Call => arg.saturating_add(2),
        _ => return,
    };
    let callee = state.stack.len().checked_sub(depth as usize);
    let argument = state.peek(depth - 1);
    if let (Some(place), Ok(Kind::Iterator)) = (callee, argument)
        && let Kind::Function(callee) = &mut state.stack[place]
    {
        callee.iterates = false;
    }
}

/// The closure of `MAKE_FUNCTION` lies below the code (and, to 3.10, the name).
pub(super) fn check_closure(code: &CodeObject, table: &Table, arg: u32, state: &State) -> Result<(), Defect> {
    let depth = code_depth(table);
    let wanted = match state.peek(depth)? {
        Kind::Code(index) => {
            code.consts[index as usize].as_code().map_or(0, |code| code.freevars.len() as u32)
        }
        _ => 0,
    };
    let given = match state.peek(depth + 1) {
        Ok(Kind::Cells(count)) if arg & 8 != 0 => count,
        _ => 0,
    };
    if given == wanted {
        return Ok(());
    }
    Err(Defect::Closure { given, wanted })
}

/// `SET_FUNCTION_ATTRIBUTE`: the value's type is trusted, the closure's length too.
pub(super) fn attribute_set(arg: u32, state: &State) -> Result<Kind, Defect> {
    let (function, value) = (state.peek(1)?, state.peek(2)?);
    let want = match arg {
        1 => Want::Tuple,
        2 => Want::Dict,
        8 => Want::Cells,
        _ => Want::Object,
    };
    if !value.satisfies(want, false) {
        return Err(mismatch(want, value));
    }
    match (arg, function, value) {
        (8, Kind::OpenFunction(wanted, callee), Kind::Cells(given)) if wanted == given => {
            Ok(Kind::Function(callee))
        }
        (8, Kind::OpenFunction(wanted, _), Kind::Cells(given)) => Err(Defect::Closure { given, wanted }),
        (8, _, Kind::Cells(given)) => Err(Defect::Closure { given, wanted: 0 }),
        (_, function, _) => Ok(function),
    }
}
