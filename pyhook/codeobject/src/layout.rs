//! Offsets of the instructions: which pairs are fused, how many prefixes each operand
//! needs, and jump relaxation.

use crate::body::{Body, Instruction};
use crate::encode_error::EncodeError;
use crate::tables::{Jump, Table};

/// Where each instruction goes.
pub(crate) struct Layout {
    /// The instructions.
    pub places: Vec<Place>,
    /// Units in all.
    pub units: u32,
}

/// Where one instruction goes, and how.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// First unit, prefixes included.
    pub offset: u32,
    /// Operand, jump distance included.
    pub arg: u32,
    /// Number; that of the superinstruction if one starts here.
    pub number: u8,
    /// Cache units.
    pub caches: u8,
    /// Prefixes.
    pub prefixes: u8,
    /// Part in a superinstruction.
    pub part: Part,
}

/// Part of an instruction in a superinstruction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// None.
    Whole,
    /// Written with the next.
    First,
    /// Written with the one before.
    Second,
}

impl Place {
    /// Units the instruction takes.
    pub fn units(&self) -> u32 {
        match self.part {
            Part::Second => 0,
            _ => 1 + u32::from(self.prefixes) + u32::from(self.caches),
        }
    }
}

impl Layout {
    /// First unit of the instruction at an index; the end for the one after the last.
    pub fn offset(&self, index: usize) -> u32 {
        self.places.get(index).map_or(self.units, |place| place.offset)
    }
}

struct JumpSite {
    index: usize,
    target: usize,
    jump: Jump,
}

/// Lays the instructions out.
pub(crate) fn lay_out(body: &Body, table: &Table) -> Result<Layout, EncodeError> {
    let count = body.instructions.len();
    let mut layout = Layout { places: Vec::with_capacity(count), units: 0 };
    let mut jumps = Vec::with_capacity(body.labels.len() * 2);
    let mut fused = false;
    for (index, instruction) in body.instructions.iter().enumerate() {
        let op = instruction.op;
        let shape = table.shape(op).ok_or(EncodeError::NoSuchOp { index, op })?;
        layout.places.push(Place {
            offset: 0,
            arg: instruction.arg,
            number: shape.number,
            caches: shape.caches,
            prefixes: prefixes_for(instruction.arg).max(instruction.prefixes),
            part: Part::Whole,
        });
        fused |= instruction.fused;
        if shape.jump == Jump::None && instruction.target.is_none() {
            continue;
        }
        let target = body.target_of(index).filter(|target| *target < count && shape.jump != Jump::None);
        let target = target.ok_or(EncodeError::BadTarget { index, op })?;
        jumps.push(JumpSite { index, target, jump: shape.jump });
    }
    if fused {
        fuse(body, table, &mut layout);
    }
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
    let targeted = body.targeted();
    for (index, pair) in body.instructions.windows(2).enumerate() {
        let taken = layout.places[index].part == Part::Second;
        if !pair[0].fused || taken || targeted[index + 1] || !fits(&pair[0], &pair[1]) {
            continue;
        }
        let Some(number) = table.fused(pair[0].op, pair[1].op) else {
            continue;
        };
        let arg = pair[0].arg << 4 | pair[1].arg;
        let whole = Place { number, arg, caches: 0, prefixes: 0, part: Part::First, ..layout.places[index] };
        layout.places[index] = whole;
        layout.places[index + 1].part = Part::Second;
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
            let place = &mut layout.places[site.index];
            place.arg = arg;
            let needed = prefixes_for(arg);
            if needed > place.prefixes {
                place.prefixes = needed;
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
    for place in &mut layout.places {
        place.offset = unit;
        unit += place.units();
    }
    layout.units = unit;
}

fn distance(site: &JumpSite, unit: u32, layout: &Layout) -> Result<u32, EncodeError> {
    let target = layout.places[site.target].offset;
    let next = layout.offset(site.index + 1);
    let units = match site.jump {
        Jump::Absolute => Some(target),
        Jump::Forward => target.checked_sub(next),
        Jump::Backward | Jump::Marker | Jump::None => next.checked_sub(target),
    };
    let index = site.index;
    let units = units.ok_or(EncodeError::WrongDirection { index })?;
    Ok(units * 2 / unit)
}
