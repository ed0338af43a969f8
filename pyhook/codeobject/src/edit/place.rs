//! Which occurrence an edit means. Copies the compiler made of one source occurrence
//! (tests of `while`, bodies of `finally`) count as one and are edited together.

use std::collections::HashMap;

use super::error::{Candidate, EditError};
use super::target::Target;
use crate::{Instruction, Location, Op};

/// A choice among occurrences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nth {
    /// That one, from 0; negative from the end.
    Index(i64),
    /// All of them.
    All,
}

/// Which occurrence is meant. The default is: the only one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Line of the file.
    pub line: Option<i32>,
    /// Line counted from the function's first, which is 1.
    pub relline: Option<i32>,
    /// Choice among those on the line.
    pub nth: Option<Nth>,
    /// How many there must be to choose from.
    pub of: Option<usize>,
    /// How many must be chosen; one unless all are asked for.
    pub count: Option<usize>,
}

impl Place {
    /// The occurrences meant, each with all its copies, as instruction indices.
    pub(super) fn choose(
        &self,
        target: &Target,
        what: &str,
        is_one: impl Fn(usize, &Instruction) -> bool,
    ) -> Result<Vec<Vec<usize>>, EditError> {
        let line = self.line.or_else(|| Some(target.code.firstlineno + self.relline? - 1));
        let instructions = target.body.instructions.iter().enumerate();
        let found = instructions.filter(|(index, instruction)| {
            let here = line.is_none_or(|line| instruction.location.line() == Some(line));
            here && is_one(*index, instruction)
        });
        let found: Vec<usize> = found.map(|(index, _)| index).collect();
        let groups = group(target, &found);
        self.select(target, what, groups)
    }

    fn select(
        &self,
        target: &Target,
        what: &str,
        groups: Vec<Vec<usize>>,
    ) -> Result<Vec<Vec<usize>>, EditError> {
        let refuse = |expected| EditError::Occurrences {
            what: what.into(),
            expected,
            candidates: candidates(target, &groups),
        };
        if self.of.is_some_and(|of| of != groups.len()) {
            return Err(refuse(self.of.unwrap_or_default()));
        }
        let chosen = match self.nth {
            None | Some(Nth::All) => groups.clone(),
            Some(Nth::Index(nth)) => {
                let from_end = if nth < 0 { groups.len() as i64 } else { 0 };
                let index = usize::try_from(nth + from_end).ok();
                let group = index.and_then(|index| groups.get(index));
                let group = group.ok_or_else(|| EditError::NoSuchOccurrence {
                    what: what.into(),
                    nth,
                    candidates: candidates(target, &groups),
                })?;
                vec![group.clone()]
            }
        };
        let expected = match (self.count, self.nth) {
            (Some(count), _) => count,
            (None, Some(Nth::All)) => chosen.len().max(1),
            (None, _) => 1,
        };
        if chosen.len() == expected { Ok(chosen) } else { Err(refuse(expected)) }
    }
}

fn candidates(target: &Target, groups: &[Vec<usize>]) -> Vec<Candidate> {
    let numbered = groups.iter().enumerate();
    let candidates = numbered.map(|(nth, group)| {
        let first = &target.body.instructions[group[0]];
        Candidate { nth, instructions: group.clone(), op: first.op, location: first.location }
    });
    candidates.collect()
}

/// Puts the copies of one source occurrence together, in code order.
fn group(target: &Target, found: &[usize]) -> Vec<Vec<usize>> {
    let runs = runs(target);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut by_key: HashMap<Key, usize> = HashMap::new();
    let mut seen: HashMap<(usize, Option<i32>), usize> = HashMap::new();
    for index in found {
        let instruction = &target.body.instructions[*index];
        let before = index.checked_sub(1).map(|before| &target.body.instructions[before]);
        let key = match instruction.location {
            Location::Span { column, .. } if column >= 0 => {
                Key::Position(instruction.location, before.map(|before| before.location))
            }
            location => {
                // Without columns: the nth hit of each run of the line, after the same operands.
                let nth = seen.entry((runs[*index], location.line())).or_default();
                *nth += 1;
                let operands = [1, 2].map(|back| {
                    let before = index.checked_sub(back).map(|before| &target.body.instructions[before]);
                    before.map(|before| (before.op.plain_load(), before.arg))
                });
                Key::Run { line: location.line(), nth: *nth, operands }
            }
        };
        match by_key.get(&key) {
            Some(group) => groups[*group].push(*index),
            None => {
                by_key.insert(key, groups.len());
                groups.push(vec![*index]);
            }
        }
    }
    groups
}

#[derive(PartialEq, Eq, Hash)]
enum Key {
    Position(Location, Option<Location>),
    Run { line: Option<i32>, nth: usize, operands: [Option<(Op, u32)>; 2] },
}

/// Number of the run each instruction belongs to: one line, without a break of the flow.
pub(super) fn runs(target: &Target) -> Vec<usize> {
    let mut run = 0;
    let mut line = None;
    let mut broken = false;
    let runs = target.body.instructions.iter().map(|instruction| {
        let here = instruction.location.line();
        if here != line || broken {
            run += 1;
            line = here;
        }
        broken = instruction.op.ends_flow();
        run
    });
    runs.collect()
}
