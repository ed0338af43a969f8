//! Stack depth by flow of control: how many slots a body needs. The kinds of values are
//! judged by the verifier, not here.

use thiserror::Error;

use crate::body::Body;
use crate::tables::{Handlers, Jump, Op, OpInfo, Rules, table};

/// A stack depth that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DepthError {
    /// More values are taken than there are.
    #[error("instruction {index}: {op:?} takes more than the stack holds")]
    Underflow {
        /// Index of the instruction.
        index: usize,
        /// The instruction.
        op: Op,
    },
    /// Two ways to an instruction leave different depths.
    #[error("instruction {index} is reached with stack depths {depths:?}")]
    Inconsistent {
        /// Index of the instruction.
        index: usize,
        /// Both depths.
        depths: (u32, u32),
    },
    /// Control runs past the last instruction.
    #[error("control falls off the end")]
    FallsOff,
    /// The version has no such instruction.
    #[error("instruction {index}: this version has no {op:?}")]
    NoSuchOp {
        /// Index of the instruction.
        index: usize,
        /// The instruction.
        op: Op,
    },
}

const UNSEEN: u32 = u32::MAX;

/// Stack slots the body needs, as CPython counts them.
///
/// # Errors
/// When the depth at some instruction is negative or ambiguous.
pub fn stack_depth(body: &Body, generator_like: bool) -> Result<u32, DepthError> {
    Ok(depths(body, generator_like)?.1)
}

/// The depth before each instruction (`None` where control never comes) and the most.
///
/// # Errors
/// See [`stack_depth`].
pub fn depths(body: &Body, generator_like: bool) -> Result<(Vec<Option<u32>>, u32), DepthError> {
    let rules = table(body.version).rules;
    let entry = if generator_like { rules.generator_depth } else { 0 };
    let mut flow = Flow {
        body,
        rules,
        at: vec![UNSEEN; body.instructions.len()],
        most: entry.max(rules.min_stack),
        pending: Vec::new(),
        seen_handlers: vec![false; body.handlers.len()],
    };
    flow.reach(0, entry)?;
    while let Some(index) = flow.pending.pop() {
        flow.run(index)?;
    }
    let known = flow.at.into_iter();
    let known = known.map(|depth| (depth != UNSEEN).then_some(depth));
    Ok((known.collect(), flow.most))
}

struct Flow<'a> {
    body: &'a Body,
    rules: &'a Rules,
    at: Vec<u32>,
    most: u32,
    pending: Vec<usize>,
    seen_handlers: Vec<bool>,
}

impl Flow<'_> {
    /// Notes that `index` is reached at `depth`; whether that is new.
    fn note(&mut self, index: usize, depth: u32) -> Result<bool, DepthError> {
        let known = self.at.get_mut(index).ok_or(DepthError::FallsOff)?;
        self.most = self.most.max(depth);
        if *known == UNSEEN {
            *known = depth;
            return Ok(true);
        }
        if *known == depth {
            return Ok(false);
        }
        let depths = (*known, depth);
        Err(DepthError::Inconsistent { index, depths })
    }

    fn reach(&mut self, index: usize, depth: u32) -> Result<(), DepthError> {
        if self.note(index, depth)? {
            self.pending.push(index);
        }
        Ok(())
    }

    /// Follows the straight line from `index` on.
    fn run(&mut self, mut index: usize) -> Result<(), DepthError> {
        loop {
            let depth = self.at[index];
            let instruction = &self.body.instructions[index];
            let (op, arg) = (instruction.op, instruction.arg);
            let info = table(self.body.version).info(op);
            let info = info.ok_or(DepthError::NoSuchOp { index, op })?;
            self.reach_handler(index)?;
            let (pops, pushes) = info.signature().counts(arg);
            let underflow = DepthError::Underflow { index, op };
            let rest = depth.checked_sub(pops).ok_or(underflow)?;
            self.reach_target(index, info, rest)?;
            if op.ends_flow() || !self.note(index + 1, rest + pushes)? {
                return Ok(());
            }
            index += 1;
        }
    }

    fn reach_target(&mut self, index: usize, info: &OpInfo, rest: u32) -> Result<(), DepthError> {
        match self.body.target_of(index) {
            Some(target) if info.jump != Jump::Marker => {
                let arg = self.body.instructions[index].arg;
                self.reach(target, rest + info.signature().jump_count(arg))
            }
            _ => Ok(()),
        }
    }

    fn reach_handler(&mut self, index: usize) -> Result<(), DepthError> {
        let Some(id) = self.body.instructions[index].handler else {
            return Ok(());
        };
        let seen = &mut self.seen_handlers[id.0 as usize];
        if self.rules.handlers == Handlers::Blocks || std::mem::replace(seen, true) {
            return Ok(());
        }
        let handler = self.body.handlers[id.0 as usize];
        let depth = handler.depth + u32::from(handler.lasti) + 1;
        self.reach(self.body.position(handler.target), depth)
    }
}
