//! Writes a replacement in the instructions of the version.

use std::collections::HashMap;
use std::ops::Range;

use super::calls::{balance, call_of, null_comes_first};
use super::matching::Span;
use super::{Found, RawInstruction, RawOperand};
use crate::edit::error::EditError;
use crate::edit::operators;
use crate::edit::target::{Target, Variable};
use crate::tables::{Jump, Op};
use crate::{Instruction, Label};

type Emitted = (Vec<Instruction>, Vec<(Label, usize)>);

/// The instructions of a replacement, and its labels with the positions they stand before.
pub(super) fn emit(
    target: &mut Target,
    span: &Span,
    range: &Range<usize>,
    replacement: &[RawInstruction],
) -> Result<Emitted, EditError> {
    let mut emitter = Emitter {
        call: call_of(target, range),
        tested: operators::needs_bool(target, range.end - 1),
        target,
        span,
        new: Vec::new(),
        labels: HashMap::new(),
        positions: Vec::new(),
        stack: Vec::new(),
    };
    let left = balance(emitter.target, range);
    for instruction in replacement {
        emitter.one(instruction)?;
    }
    emitter.leave_callable(left);
    if emitter.labels.len() > emitter.positions.len() {
        return Err(EditError::Impossible("a jump to a label that stands nowhere"));
    }
    emitter.convert_tested();
    Ok((emitter.new, emitter.positions))
}

/// A value that the replacement leaves on the stack.
#[derive(Clone, Copy)]
struct Value {
    /// Position where its expression begins, and of the instruction that made it; `None` for a value from
    /// before.
    made: Option<(usize, usize)>,
    /// Made by the method form: it has its own second slot.
    is_method: bool,
}

struct Emitter<'a> {
    target: &'a mut Target,
    span: &'a Span,
    /// A call among what is replaced.
    call: Option<Op>,
    /// What follows takes a bool only.
    tested: bool,
    new: Vec<Instruction>,
    labels: HashMap<String, Label>,
    positions: Vec<(Label, usize)>,
    stack: Vec<Value>,
}

impl Emitter<'_> {
    fn one(&mut self, instruction: &RawInstruction) -> Result<(), EditError> {
        let word = instruction.word.as_str();
        if word == "label" {
            let RawOperand::Label(name) = &instruction.operand else {
                return Err(EditError::Impossible("a label without a name"));
            };
            let label = self.label(name);
            self.positions.push((label, self.new.len()));
            return Ok(());
        }
        let operand = self.operand(&instruction.operand)?;
        if word == "call" {
            return self.call(&operand);
        }
        let (op, arg) = self.portable(word, &operand)?.map_or_else(|| self.bare(word, &operand), Ok)?;
        let label = match (&operand, self.target.table.info(op).map(|info| info.jump)) {
            (Found::Label(label), Some(jump)) if jump != Jump::None => Some(*label),
            _ => None,
        };
        let info = self.target.table.info(op);
        let (pops, pushes) = info.map_or((0, 0), |info| info.signature().counts(arg));
        if op == Op::UnaryNot && self.target.table.rules.exact_bools {
            self.new.push(Instruction::new(Op::ToBool, 0));
        }
        let is_method = word == "method";
        let pushes = if is_method { 1 } else { pushes };
        let position = self.new.len();
        self.new.push(Instruction { target: label, ..Instruction::new(op, arg) });
        let begin = self.take(pops as usize).unwrap_or(position);
        let value = Value { made: Some((begin, position)), is_method };
        self.stack.extend(std::iter::repeat_n(value, pushes as usize));
        Ok(())
    }

    fn label(&mut self, name: &str) -> Label {
        if let Some(label) = self.labels.get(name) {
            return *label;
        }
        let label = self.target.body.new_label(self.span.start);
        self.labels.insert(name.to_owned(), label);
        label
    }

    /// Takes values from the stack; the position where the expression of the lowest begins, if it is made
    /// by the replacement.
    fn take(&mut self, count: usize) -> Option<usize> {
        let mut begin = None;
        for _ in 0..count {
            begin = self.stack.pop().and_then(|value| value.made).map(|(begin, _)| begin);
        }
        begin
    }

    fn operand(&mut self, operand: &RawOperand) -> Result<Found, EditError> {
        Ok(match operand {
            RawOperand::None => Found::None,
            RawOperand::Any => return Err(EditError::Impossible("`_` stands for no operand")),
            RawOperand::Capture(name) => {
                let known = self.span.captures.get(name).cloned();
                known.ok_or(EditError::Impossible("a name that captured nothing"))?
            }
            RawOperand::Name(name) => Found::Name(name.clone()),
            RawOperand::Value(value) => Found::Value(value.clone()),
            RawOperand::Operator(operator) => {
                let known = operators::BINARY.iter().map(|(operator, ..)| *operator);
                let known = known.chain(operators::COMPARE_OPERATORS).chain(operators::UNARY_OPERATORS);
                let found = known.into_iter().find(|known| known == operator);
                Found::Operator(found.ok_or_else(|| EditError::UnknownOperator(operator.clone()))?)
            }
            RawOperand::Number(number) => Found::Number(*number),
            RawOperand::Label(name) => Found::Label(self.label(name)),
        })
    }

    /// A word of the vocabulary; `None` if it is none.
    fn portable(&mut self, word: &str, operand: &Found) -> Result<Option<(Op, u32)>, EditError> {
        let target = &mut *self.target;
        let has = |op: Op| target.table.has(op);
        Ok(Some(match (word, operand) {
            ("load", Found::Name(name)) => match target.variable(name)? {
                Variable::Fast(slot) => (Op::LoadFast, slot),
                Variable::Cell(slot) => (Op::LoadDeref, slot),
            },
            ("store", Found::Name(name)) => match target.variable(name)? {
                Variable::Fast(slot) => (Op::StoreFast, slot),
                Variable::Cell(slot) => (Op::StoreDeref, slot),
            },
            ("const", Found::Value(value)) => target.load_constant(value),
            ("global", Found::Name(name)) => {
                let optimized = target.code.flags & crate::flags::OPTIMIZED != 0;
                named(target, if optimized { Op::LoadGlobal } else { Op::LoadName }, name, 0)
            }
            ("attr", Found::Name(name)) => named(target, Op::LoadAttr, name, 0),
            ("method", Found::Name(name)) if has(Op::LoadMethod) => named(target, Op::LoadMethod, name, 0),
            ("method", Found::Name(name)) => named(target, Op::LoadAttr, name, 1),
            ("subscr", _) if has(Op::BinarySubscr) => (Op::BinarySubscr, 0),
            ("subscr", _) => operators::binary(target.table, "[]").ok_or_else(|| operators::unknown("[]"))?,
            ("binop", Found::Operator(operator)) => {
                operators::binary(target.table, operator).ok_or_else(|| operators::unknown(operator))?
            }
            ("inplace", Found::Operator(operator)) => {
                let operator = format!("{operator}=");
                operators::binary(target.table, &operator).ok_or_else(|| operators::unknown(&operator))?
            }
            ("compare", Found::Operator(operator)) => operators::comparison(target.table, operator)?,
            ("unary", Found::Operator(operator)) => operators::unary_op(target.table, operator)?,
            ("pop", _) => (Op::PopTop, 0),
            ("dup", _) if has(Op::DupTop) => (Op::DupTop, 0),
            ("dup", _) => (Op::Copy, 1),
            ("swap", _) if has(Op::RotTwo) => (Op::RotTwo, 0),
            ("swap", _) => (Op::Swap, 2),
            _ => return Ok(None),
        }))
    }

    /// An instruction by its own name.
    fn bare(&self, word: &str, operand: &Found) -> Result<(Op, u32), EditError> {
        let mut known = self.target.table.infos().iter();
        let info = known.find(|info| info.op.name().eq_ignore_ascii_case(word));
        let info = info.ok_or(EditError::Impossible("this version has no such instruction"))?;
        match operand {
            Found::None => Ok((info.op, 0)),
            Found::Number(number) => Ok((info.op, *number)),
            Found::Label(_) if info.jump != Jump::None => Ok((info.op, 0)),
            _ => Err(EditError::Impossible("an operand that the instruction can't have")),
        }
    }

    fn call(&mut self, operand: &Found) -> Result<(), EditError> {
        let Found::Number(count) = *operand else {
            return Err(EditError::Impossible("a call needs the number of its arguments"));
        };
        let arguments = self.take(count as usize);
        let callee = self.stack.pop();
        let has = |op: Op| self.target.table.has(op);
        let op = match (callee, self.call) {
            _ if has(Op::Call) => Op::Call,
            (Some(Value { is_method: true, .. }), _) => Op::CallMethod,
            (Some(_), _) => Op::CallFunction,
            (None, Some(call)) => call,
            (None, None) => Op::CallFunction,
        };
        let precall = has(Op::Precall);
        if let Some(callee) = callee.filter(|_| op == Op::Call) {
            self.push_null(callee);
        }
        if precall && op == Op::Call {
            self.new.push(Instruction::new(Op::Precall, count));
        }
        let position = self.new.len();
        self.new.push(Instruction::new(op, count));
        let begin = callee.and_then(|callee| callee.made).map(|(begin, _)| begin);
        let made = Some((begin.or(arguments).unwrap_or(position), position));
        self.stack.push(Value { made, is_method: false });
        Ok(())
    }

    /// Puts the NULL beside a callable that the replacement makes.
    fn push_null(&mut self, callee: Value) {
        let (Some((begin, position)), false) = (callee.made, callee.is_method) else { return };
        let made = self.new[position];
        if made.op == Op::LoadGlobal && made.arg & 1 == 0 {
            self.new[position].arg |= 1;
            return;
        }
        match null_comes_first(self.target) {
            Some(true) => self.insert(begin),
            Some(false) => self.insert(position + 1),
            None => {}
        }
    }

    fn insert(&mut self, at: usize) {
        self.new.insert(at, Instruction::new(Op::PushNull, 0));
        for (_, position) in &mut self.positions {
            *position += usize::from(*position >= at);
        }
        for (begin, position) in self.stack.iter_mut().filter_map(|value| value.made.as_mut()) {
            *begin += usize::from(*begin >= at);
            *position += usize::from(*position >= at);
        }
    }

    /// What was replaced left a callable for a call behind it: so must the replacement.
    fn leave_callable(&mut self, left: i32) {
        let has_nulls = null_comes_first(self.target).is_some();
        if let Some(callee) = self.stack.first().copied().filter(|_| has_nulls && left > 0) {
            self.push_null(callee);
        }
    }

    /// A comparison gives a bool where the next instruction insists on one.
    fn convert_tested(&mut self) {
        let to_bool = self.target.table.rules.compare.to_bool;
        let tests = |op: Op| matches!(op, Op::PopJumpIfTrue | Op::PopJumpIfFalse | Op::UnaryNot);
        for position in 0..self.new.len() {
            let tested = self.new.get(position + 1).map_or(self.tested, |next| tests(next.op));
            if self.new[position].op == Op::CompareOp && tested {
                self.new[position].arg |= to_bool;
            }
        }
    }
}

fn named(target: &mut Target, op: Op, name: &crate::Text, flag: u32) -> (Op, u32) {
    let index = target.name(name);
    let shift = target.name_operand(&Instruction::new(op, 0)).map_or(0, |(_, _, shift)| shift);
    (op, index << shift | flag)
}
