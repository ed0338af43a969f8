//! Offsets of the instructions: which pairs are fused, how many prefixes each operand
//! needs, and jump relaxation.

use crate::body::{Body, Instruction};
use crate::encode::EncodeError;
use crate::tables::{Jump, Table};

/// Where each instruction goes.
pub(crate) struct Layout {
    /// First unit of each instruction, prefixes included; one more for the end.
    pub offsets: Vec<u32>,
    /// Operand of each instruction, jump distances included.
    pub args: Vec<u32>,
    /// Prefixes of each instruction.
    pub prefixes: Vec<u8>,
    /// Number of the superinstruction an instruction starts.
    pub fused: Vec<Option<u8>>,
    /// Cache units by instruction, and numbers.
    pub numbers: Vec<(u8, u8)>,
}

struct JumpSite {
    index: usize,
    target: usize,
    jump: Jump,
}

/// Lays the instructions out.
pub(crate) fn lay_out(body: &Body, table: &Table) -> Result<Layout, EncodeError> {
    let count = body.instructions.len();
    let mut layout = Layout {
        offsets: vec![0; count + 1],
        args: Vec::with_capacity(count),
        prefixes: Vec::with_capacity(count),
        fused: vec![None; count],
        numbers: Vec::with_capacity(count),
    };
    let mut jumps = Vec::new();
    for (index, instruction) in body.instructions.iter().enumerate() {
        let op = instruction.op;
        let info = table.info(op).ok_or(EncodeError::NoSuchOp { index, op })?;
        layout.numbers.push((info.number, info.caches));
        layout.args.push(instruction.arg);
        let needed = prefixes_for(instruction.arg);
        layout.prefixes.push(needed.max(instruction.prefixes));
        match (info.jump, body.target_of(index)) {
            (Jump::None, None) => {}
            (jump, Some(target)) if jump != Jump::None && target < count => {
                jumps.push(JumpSite { index, target, jump });
            }
            _ => return Err(EncodeError::BadTarget { index, op }),
        }
    }
    fuse(body, table, &mut layout);
    relax(&jumps, table.rules.jump_unit, &mut layout)?;
    Ok(layout)
}

fn prefixes_for(arg: u32) -> u8 {
    match arg {
        0..=0xff => 0,
        0x100..=0xffff => 1,
        0x1_0000..=0xff_ffff => 2,
        _ => 3,
    }
}

fn fuse(body: &Body, table: &Table, layout: &mut Layout) {
    if !body.instructions.iter().any(|i| i.fused) {
        return;
    }
    let targeted = body.targeted();
    for (index, pair) in body.instructions.windows(2).enumerate() {
        let taken = index > 0 && layout.fused[index - 1].is_some();
        if pair[0].fused && !taken && !targeted[index + 1] && fits(&pair[0], &pair[1]) {
            layout.fused[index] = table.fused(pair[0].op, pair[1].op);
        }
    }
}

fn fits(first: &Instruction, second: &Instruction) -> bool {
    let small = first.arg < 16 && second.arg < 16;
    small && first.location == second.location && first.handler == second.handler
}

/// Sizes only grow, so that this ends.
fn relax(jumps: &[JumpSite], unit: u32, layout: &mut Layout) -> Result<(), EncodeError> {
    loop {
        place(layout);
        let mut grown = false;
        for site in jumps {
            let arg = distance(site, unit, layout)?;
            layout.args[site.index] = arg;
            let needed = prefixes_for(arg);
            if needed > layout.prefixes[site.index] {
                layout.prefixes[site.index] = needed;
                grown = true;
            }
        }
        if !grown {
            return Ok(());
        }
    }
}

fn place(layout: &mut Layout) {
    let mut unit = 0;
    let mut second = false;
    for index in 0..layout.numbers.len() {
        layout.offsets[index] = unit;
        let first = layout.fused[index].is_some();
        if !second {
            let caches = u32::from(layout.numbers[index].1);
            unit += 1 + u32::from(layout.prefixes[index]) + caches;
        }
        second = first;
    }
    let end = layout.numbers.len();
    layout.offsets[end] = unit;
}

fn distance(site: &JumpSite, unit: u32, layout: &Layout) -> Result<u32, EncodeError> {
    let target = layout.offsets[site.target];
    let next = layout.offsets[site.index + 1];
    let units = match site.jump {
        Jump::Absolute => Some(target),
        Jump::Forward => target.checked_sub(next),
        Jump::Backward | Jump::Marker | Jump::None => next.checked_sub(target),
    };
    let index = site.index;
    let units = units.ok_or(EncodeError::WrongDirection { index })?;
    Ok(units * 2 / unit)
}
