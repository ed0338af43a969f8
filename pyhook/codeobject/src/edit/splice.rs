//! Puts the instructions of a compiled statement into a function: operands renumbered,
//! handlers stacked, every end of the statement led to the end of the spliced code.

use super::error::EditError;
use super::statement::{SENTINEL, Statement, rehomed};
use super::target::{Target, Variable};
use crate::tables::{Op, Operand, table};
use crate::{Body, CodeObject, Constant, Handler, HandlerId, Incoming, Instruction, Label, Location, decode};

/// Where a statement goes.
pub(super) struct Spot {
    pub index: usize,
    /// Instruction whose exception handler and line it takes.
    pub like: usize,
    pub depth: u32,
    pub incoming: Incoming,
}

/// Splices a statement in; returns the number of instructions.
pub(super) fn splice(target: &mut Target, statement: &Statement, spot: &Spot) -> Result<usize, EditError> {
    let mut body = decode(&statement.code, target.body.version)?;
    let start = prologue_end(&body);
    body.remove(0..start);
    let end = cut_sentinels(&mut body, &statement.code)?;
    translate(target, &mut body, &statement.code)?;
    pop_before_returns(target, &mut body, spot.depth);
    let at = target.body.instructions.get(spot.like).copied();
    let here = at.unwrap_or_else(|| Instruction::new(Op::Nop, 0));
    target.note(spot.like);
    let count = body.instructions.len();
    join(target, body, end, spot, &here);
    target.restructured = true;
    Ok(count)
}

/// Index of the first instruction after the prologue.
pub(super) fn prologue_end(body: &Body) -> usize {
    let resume = |from: usize| {
        let rest = body.instructions[from..].iter();
        rest.clone()
            .take_while(|i| i.op != Op::ForIter)
            .position(|i| i.op == Op::Resume)
            .map(|at| from + at + 1)
    };
    let generator = body.instructions.iter().position(|i| i.op == Op::ReturnGenerator);
    match body.instructions.first() {
        Some(first) if first.op == Op::GenStart => 1,
        _ => resume(generator.unwrap_or(0)).unwrap_or(0),
    }
}

/// Replaces each "load the sentinel, drop it, return None" by a jump to a label at the end.
fn cut_sentinels(body: &mut Body, code: &CodeObject) -> Result<Label, EditError> {
    let end = body.new_label(body.instructions.len());
    let table = table(body.version);
    let is_sentinel = |instruction: &Instruction| {
        let operand = table.info(instruction.op).map(|info| info.operand);
        let loads = matches!(instruction.op, Op::LoadGlobal | Op::LoadName);
        match operand {
            Some(Operand::Name(shift)) if loads => names_sentinel(code, instruction.arg >> shift),
            _ => false,
        }
    };
    let mut found = false;
    let mut index = 0;
    while index < body.instructions.len() {
        if is_sentinel(&body.instructions[index]) {
            found = true;
            let rest = &body.instructions[index..];
            let returns = rest.iter().position(|i| matches!(i.op, Op::ReturnValue | Op::ReturnConst));
            let returns = returns.ok_or(EditError::Impossible("the statement does not end"))?;
            body.instructions[index].fused = false;
            body.instructions[index].op = Op::JumpForward;
            body.instructions[index].arg = 0;
            body.instructions[index].target = Some(end);
            body.remove(index + 1..index + returns + 1);
        }
        index += 1;
    }
    if !found {
        return Err(EditError::Impossible("the statement never ends, or was not compiled for this"));
    }
    let last = body.instructions.len() - 1;
    if body.instructions[last].target == Some(end) {
        body.instructions[last] = Instruction::new(Op::Nop, 0);
    }
    Ok(end)
}

fn names_sentinel(code: &CodeObject, index: u32) -> bool {
    code.names.get(index as usize).is_some_and(|name| *name == SENTINEL)
}

/// Gives operands the numbers they have in the function.
fn translate(target: &mut Target, body: &mut Body, code: &CodeObject) -> Result<(), EditError> {
    let unified = target.table.rules.unified_slots;
    let slots: Vec<_> = code.slot_names().into_iter().cloned().collect();
    let cells: Vec<_> = code.cellvars.iter().chain(&code.freevars).cloned().collect();
    for name in &code.varnames {
        if target.variable(name).is_err() {
            target.insert_local(target.code.varnames.len(), name)?;
        }
    }
    for instruction in &mut body.instructions {
        let operand = target.table.info(instruction.op).map(|info| info.operand);
        let name = match operand {
            Some(Operand::Local) if unified => slots.get(instruction.arg as usize),
            Some(Operand::Local) => code.varnames.get(instruction.arg as usize),
            Some(Operand::Slot) if unified => slots.get(instruction.arg as usize),
            Some(Operand::Slot) => cells.get(instruction.arg as usize),
            Some(Operand::Const) => {
                let value = code.consts.get(instruction.arg as usize).unwrap_or(&Constant::None);
                let value = rehomed(value, &target.code, target.body.version);
                instruction.arg = target.constant(&value);
                None
            }
            Some(Operand::Name(shift)) => {
                let flags = instruction.arg & ((1 << shift) - 1);
                let name = code.names.get((instruction.arg >> shift) as usize).cloned();
                instruction.arg = target.name(&name.unwrap_or_default()) << shift | flags;
                None
            }
            _ => None,
        };
        if let Some(name) = name {
            instruction.arg = match target.variable(name)? {
                Variable::Fast(slot) | Variable::Cell(slot) => slot,
            };
        }
    }
    Ok(())
}

/// What lies below a returned value is dropped first.
fn pop_before_returns(target: &Target, body: &mut Body, depth: u32) {
    let swap = if target.table.has(Op::Swap) { (Op::Swap, 2) } else { (Op::RotTwo, 0) };
    for index in (0..body.instructions.len()).rev() {
        let instruction = body.instructions[index];
        let one: &[(Op, u32)] = match instruction.op {
            Op::ReturnValue => &[swap, (Op::PopTop, 0)],
            Op::ReturnConst => &[(Op::PopTop, 0)],
            _ => continue,
        };
        let pops = one.repeat(depth as usize);
        let made =
            |(op, arg): (Op, u32)| Instruction { handler: instruction.handler, ..Instruction::new(op, arg) };
        let pops: Vec<Instruction> = pops.into_iter().map(made).collect();
        body.insert(index, &pops, Incoming::Redirect);
    }
}

/// Appends labels and handlers and inserts the instructions.
fn join(target: &mut Target, body: Body, end: Label, spot: &Spot, here: &Instruction) {
    let labels = target.body.labels.len() as u32;
    let handlers = target.body.handlers.len() as u32;
    let own = |label: Label| Label(label.0 + labels);
    let instructions: Vec<Instruction> = body
        .instructions
        .iter()
        .map(|instruction| Instruction {
            target: instruction.target.map(own),
            handler: instruction.handler.map(|id| HandlerId(id.0 + handlers)).or(here.handler),
            location: here.location.line().map_or(Location::None, Location::Line),
            prefixes: 0,
            ..*instruction
        })
        .collect();
    let added = body.handlers.iter().map(|handler| Handler {
        target: own(handler.target),
        depth: handler.depth + spot.depth,
        lasti: handler.lasti,
    });
    target.body.handlers.extend(added);
    if let Some(before) = spot.index.checked_sub(1) {
        target.body.instructions[before].fused = false;
    }
    target.body.insert(spot.index, &instructions, spot.incoming);
    let placed = body.labels.iter().map(|position| position + spot.index as u32);
    target.body.labels.extend(placed);
    debug_assert_eq!(body.labels[end.0 as usize] as usize, body.instructions.len());
}
