//! The signature: a parameter more, another name, another order.

use super::error::EditError;
use super::target::{DefaultsChange, Target};
use crate::{Constant, Text};

pub(super) fn add(target: &mut Target, name: &Text, default: &Constant) -> Result<(), EditError> {
    let slot = target.code.argcount as usize;
    target.insert_local(slot, name)?;
    target.code.argcount += 1;
    target.defaults.push(DefaultsChange::Append(default.clone()));
    Ok(())
}

fn parameter(target: &Target, name: &Text, among: usize) -> Result<usize, EditError> {
    let parameters = target.code.varnames.iter().take(among);
    let mut numbered = parameters.enumerate();
    let found = numbered.find(|(_, known)| *known == name);
    found.map(|(slot, _)| slot).ok_or_else(|| EditError::NoSuchVariable(name.clone()))
}

pub(super) fn rename(target: &mut Target, from: &Text, to: &Text) -> Result<(), EditError> {
    let slot = parameter(target, from, target.code.parameter_count())?;
    if target.variable(to).is_ok() {
        return Err(EditError::VariableExists(to.clone()));
    }
    target.code.varnames[slot] = to.clone();
    // A parameter that is a cell is matched by its name.
    for cell in &mut target.code.cellvars {
        if cell == from {
            *cell = to.clone();
        }
    }
    target.defaults.push(DefaultsChange::Rename(from.clone(), to.clone()));
    Ok(())
}

pub(super) fn swap(target: &mut Target, a: &Text, b: &Text) -> Result<(), EditError> {
    let positional = target.code.argcount as usize;
    let first = parameter(target, a, positional)?;
    let second = parameter(target, b, positional)?;
    target.code.varnames.swap(first, second);
    if target.code.slot_kinds.len() > first.max(second) {
        target.code.slot_kinds.swap(first, second);
    }
    let (first, second) = (first as u32, second as u32);
    target.renumber(|slot| match slot {
        slot if slot == first => second,
        slot if slot == second => first,
        slot => slot,
    });
    Ok(())
}
