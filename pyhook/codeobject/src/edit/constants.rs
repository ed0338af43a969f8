//! Constants: loaded, returned, or within a folded tuple, frozenset or slice.

use super::error::EditError;
use super::place::Place;
use super::target::Target;
use crate::tables::Op;
use crate::{Constant, Instruction};

pub(super) fn replace(
    target: &mut Target,
    from: &Constant,
    to: &Constant,
    place: &Place,
) -> Result<(), EditError> {
    let what = format!("constant {from:?}");
    let chosen = place.choose(target, &what, |index, instruction| {
        let value = loaded(target, instruction);
        value.is_some_and(|value| contains(&value, from)) && !is_bookkeeping(target, index)
    })?;
    for index in chosen.into_iter().flatten() {
        let instruction = target.body.instructions[index];
        let Some(value) = loaded(target, &instruction) else { continue };
        let value = replaced(&value, from, to);
        let (op, arg) = match instruction.op {
            Op::ReturnConst => (Op::ReturnConst, target.constant(&value)),
            _ => target.load_constant(&value),
        };
        target.set(index, op, arg);
    }
    Ok(())
}

/// The constant an instruction loads or returns.
pub(super) fn loaded(target: &Target, instruction: &Instruction) -> Option<Constant> {
    match instruction.op {
        Op::LoadConst | Op::ReturnConst => target.code.consts.get(instruction.arg as usize).cloned(),
        Op::LoadSmallInt => Some(Constant::Int(i64::from(instruction.arg))),
        Op::LoadCommonConstant => match *target.table.common_constants().get(instruction.arg as usize)? {
            "None" => Some(Constant::None),
            "True" => Some(Constant::Bool(true)),
            "False" => Some(Constant::Bool(false)),
            "''" => Some(Constant::from("")),
            "-1" => Some(Constant::Int(-1)),
            _ => None,
        },
        _ => None,
    }
}

/// Names of keywords and functions, import levels: the compiler's own constants.
fn is_bookkeeping(target: &Target, index: usize) -> bool {
    let next = target.next_op(index);
    let named = matches!(
        next,
        Some(Op::CallKw | Op::CallFunctionKw | Op::MakeFunction | Op::ImportName | Op::MatchClass)
    );
    let level = next
        .is_some_and(|op| matches!(op, Op::LoadConst | Op::LoadSmallInt | Op::LoadCommonConstant))
        && target.next_op(index + 1) == Some(Op::ImportName);
    named || level
}

fn contains(value: &Constant, wanted: &Constant) -> bool {
    let within = |items: &[Constant]| items.iter().any(|item| contains(item, wanted));
    value == wanted
        || match value {
            Constant::Tuple(items) | Constant::FrozenSet(items) => within(items),
            Constant::Slice(parts) => within(&parts[..]),
            _ => false,
        }
}

fn replaced(value: &Constant, from: &Constant, to: &Constant) -> Constant {
    let all = |items: &[Constant]| items.iter().map(|item| replaced(item, from, to)).collect();
    match value {
        value if value == from => to.clone(),
        Constant::Tuple(items) => Constant::Tuple(all(items)),
        Constant::FrozenSet(items) => Constant::FrozenSet(all(items)),
        Constant::Slice(parts) => {
            let [start, stop, step] = &**parts;
            let parts = [start, stop, step].map(|part| replaced(part, from, to));
            Constant::Slice(Box::new(parts))
        }
        other => other.clone(),
    }
}
