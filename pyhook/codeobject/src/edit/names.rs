//! Names of globals, attributes and imports; globals that become constants or locals.

use super::error::EditError;
use super::operators::backwards;
use super::place::Place;
use super::target::{Target, Variable};
use crate::tables::{Op, Want};
use crate::{Constant, Instruction, Text};

/// What a name is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// A global or builtin, or a name of a module or class body.
    Global,
    /// An attribute or method.
    Attr,
    /// A module or what is imported from it.
    Import,
}

impl NameKind {
    fn of(op: Op) -> Option<Self> {
        match op {
            Op::LoadGlobal | Op::StoreGlobal | Op::DeleteGlobal => Some(Self::Global),
            Op::LoadName | Op::StoreName | Op::DeleteName => Some(Self::Global),
            Op::LoadFromDictOrGlobals => Some(Self::Global),
            Op::LoadAttr | Op::StoreAttr | Op::DeleteAttr => Some(Self::Attr),
            Op::LoadMethod | Op::LoadSuperAttr => Some(Self::Attr),
            Op::ImportName | Op::ImportFrom => Some(Self::Import),
            _ => None,
        }
    }
}

fn names(target: &Target, instruction: &Instruction, name: &Text) -> bool {
    let operand = target.name_operand(instruction);
    operand.is_some_and(|(index, ..)| target.code.names.get(index) == Some(name))
}

pub(super) fn rename(
    target: &mut Target,
    kind: Option<NameKind>,
    from: &Text,
    to: &Text,
    place: &Place,
) -> Result<(), EditError> {
    let what = format!("name {from}");
    let chosen = place.choose(target, &what, |_, instruction| {
        let found = NameKind::of(instruction.op);
        found.is_some() && (kind.is_none() || found == kind) && names(target, instruction, from)
    })?;
    let new = target.name(to);
    for index in chosen.into_iter().flatten() {
        let instruction = target.body.instructions[index];
        if let Some((_, flags, shift)) = target.name_operand(&instruction) {
            target.set(index, instruction.op, new << shift | flags);
        }
    }
    Ok(())
}

pub(super) fn to_const(
    target: &mut Target,
    name: &Text,
    value: &Constant,
    place: &Place,
) -> Result<(), EditError> {
    let chosen = loads(target, name, place)?;
    let load = target.load_constant(value);
    put(target, chosen, load);
    Ok(())
}

pub(super) fn to_local(
    target: &mut Target,
    name: &Text,
    local: &Text,
    place: &Place,
) -> Result<(), EditError> {
    let chosen = loads(target, name, place)?;
    let load = match target.variable(local)? {
        Variable::Fast(slot) => (Op::LoadFast, slot),
        Variable::Cell(slot) => (Op::LoadDeref, slot),
    };
    put(target, chosen, load);
    Ok(())
}

fn loads(target: &Target, name: &Text, place: &Place) -> Result<Vec<Vec<usize>>, EditError> {
    let what = format!("global {name}");
    place.choose(target, &what, |_, instruction| {
        matches!(instruction.op, Op::LoadGlobal | Op::LoadName) && names(target, instruction, name)
    })
}

/// Replaces loads of a global; the NULL some of them push stays where the version has it.
fn put(target: &mut Target, chosen: Vec<Vec<usize>>, load: (Op, u32)) {
    for index in backwards(chosen) {
        let instruction = target.body.instructions[index];
        let signature = target.table.info(instruction.op).map(|info| info.signature());
        let outputs = signature.map_or(&[][..], |signature| &signature.outputs);
        let null = (Op::PushNull, 0);
        let null_first = outputs.first().is_some_and(|item| item.want == Want::Null);
        let has_null = outputs.iter().any(|item| item.want == Want::Null && item.count(instruction.arg) > 0);
        match (has_null, null_first) {
            (false, _) => target.set(index, load.0, load.1),
            (true, true) => target.replace(index, &[null, load]),
            (true, false) => target.replace(index, &[load, null]),
        }
    }
}
