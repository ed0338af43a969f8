//! Inserting and removing instructions; labels follow.

use std::ops::Range;

use crate::body::{Body, Instruction};

/// Where jumps to the place of insertion go afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// To the inserted code.
    Redirect,
    /// Still to the instruction they went to.
    Keep,
}

impl Body {
    /// Inserts instructions before the one at `at`.
    pub fn insert(&mut self, at: usize, new: &[Instruction], incoming: Incoming) {
        let count = new.len() as u32;
        for label in &mut self.labels {
            let here = *label as usize == at && incoming == Incoming::Keep;
            if *label as usize > at || here {
                *label += count;
            }
        }
        self.instructions.splice(at..at, new.iter().copied());
    }

    /// Removes instructions; jumps into them go to the one after.
    pub fn remove(&mut self, range: Range<usize>) {
        for label in &mut self.labels {
            let place = *label as usize;
            let gone = place.clamp(range.start, range.end) - range.start;
            *label -= gone as u32;
        }
        self.instructions.drain(range);
    }

    /// Forgets superfluous prefixes, so that operands get as few as they need.
    pub fn forget_prefixes(&mut self) {
        for instruction in &mut self.instructions {
            instruction.prefixes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Version;
    use crate::tables::Op;

    fn body() -> Body {
        let instructions = (0..5).map(|arg| Instruction::new(Op::LoadConst, arg)).collect();
        Body { version: Version::Py312, instructions, labels: vec![0, 2, 4], handlers: Vec::new() }
    }

    #[test]
    fn labels_follow_an_insertion() {
        let new = [Instruction::new(Op::Nop, 0); 3];
        let mut kept = body();
        kept.insert(2, &new, Incoming::Keep);
        assert_eq!(kept.labels, [0, 5, 7]);
        let mut redirected = body();
        redirected.insert(2, &new, Incoming::Redirect);
        assert_eq!(redirected.labels, [0, 2, 7]);
        assert_eq!(redirected.instructions[2].op, Op::Nop);
    }

    #[test]
    fn labels_follow_a_removal() {
        let mut body = body();
        body.remove(1..3);
        assert_eq!(body.labels, [0, 1, 2]);
        assert_eq!(body.instructions[1].arg, 3);
    }
}
