//! From the words of a patch to an operation on a code object: values are evaluated, statements compiled, by
//! the interpreter that runs.

use super::constants::Objects;
use super::{convert, refusals};
use crate::interpreter;
use patchctl_codeobject::edit::{self as code, EditError, Nth, RawInstruction, RawOperand, Source};
use patchctl_codeobject::{CodeObject, Constant, Text, Version, edit};
use patchctl_protocol::edit::Nth as ProtocolNth;
use patchctl_protocol::edit::{
    Access, Edit, InsertAt, Instruction, NameKind, Operand, Operation, Place, Statement,
};
use patchctl_protocol::state::{Reason, Refusal};
use pyo3::exceptions::PyNameError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Why an operation can't be made.
pub enum Trouble {
    Refused(Refusal),
    /// A value is not there yet: the module has not run.
    TooEarly,
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Makes operations for one function.
pub struct Maker<'a, 'py> {
    pub py: Python<'py>,
    pub version: Version,
    /// The module's namespace, for values; `None` before it runs.
    pub namespace: Option<&'a Bound<'py, PyDict>>,
    pub objects: &'a mut Objects<'py>,
    /// The function as it is now.
    pub code: &'a CodeObject,
}

impl<'py> Maker<'_, 'py> {
    /// The operation of an edit.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub fn make(&mut self, edit: &Edit) -> Result<code::Edit, Trouble> {
        let place = place(&edit.place);
        let text = |text: &String| Text::from(text.as_str());
        Ok(match &edit.operation {
            Operation::Binary { from, to } => code::Edit::Binop { from: from.clone(), to: to.clone(), place },
            Operation::Unary { from, to } => {
                let to = if to.is_empty() { "none".to_owned() } else { to.clone() };
                code::Edit::Unary { from: from.clone(), to, place }
            }
            Operation::Compare { from, to } => {
                code::Edit::Compare { from: from.clone(), to: to.clone(), place }
            }
            Operation::Negate => code::Edit::Negate { place },
            Operation::Constant { from, to } => {
                code::Edit::Const { from: self.value(edit, from)?, to: self.value(edit, to)?, place }
            }
            Operation::Name { kind, from, to } => {
                code::Edit::Name { kind: kind.map(name_kind), from: text(from), to: text(to), place }
            }
            Operation::Local { from, to, access } => {
                let access = match access {
                    Access::Load => code::Access::Load,
                    Access::Store => code::Access::Store,
                };
                code::Edit::Local { from: text(from), to: text(to), access, place }
            }
            Operation::GlobalToConstant { name, value } => {
                code::Edit::GlobalToConst { name: text(name), value: self.value(edit, value)?, place }
            }
            Operation::GlobalToLocal { name, local } => {
                code::Edit::GlobalToLocal { name: text(name), local: text(local), place }
            }
            _ => return self.make_larger(edit),
        })
    }

    fn make_larger(&mut self, edit: &Edit) -> Result<code::Edit, Trouble> {
        let text = |text: &String| Text::from(text.as_str());
        Ok(match &edit.operation {
            Operation::AddArgument { name, default } => {
                code::Edit::AddArg { name: text(name), default: self.value(edit, default)? }
            }
            Operation::RenameArgument { from, to } => {
                code::Edit::RenameArg { from: text(from), to: text(to) }
            }
            Operation::SwapArguments { one, other } => code::Edit::SwapArgs { a: text(one), b: text(other) },
            Operation::Insert { at, statement } => {
                let (at, new) = match at {
                    InsertAt::Entry => (code::InsertAt::Entry, Vec::new()),
                    InsertAt::BeforeLine(line) => (code::InsertAt::Line(*line), Vec::new()),
                    InsertAt::AfterLine(line) => (code::InsertAt::AfterLine(*line), Vec::new()),
                    InsertAt::Return(name) => {
                        let name = name.as_ref().map(text);
                        (code::InsertAt::Return(name.clone()), name.into_iter().collect())
                    }
                };
                code::Edit::Insert { at, statement: self.statement(edit, statement, &new)? }
            }
            Operation::RemoveLine { line } => code::Edit::RemoveStmt { line: *line },
            Operation::ReplaceLine { line, statement } => {
                code::Edit::ReplaceStmt { line: *line, statement: self.statement(edit, statement, &[])? }
            }
            Operation::Match { pattern, replacement } => code::Edit::Raw {
                pattern: self.sequence(edit, pattern)?,
                replacement: self.sequence(edit, replacement)?,
                place: place(&edit.place),
            },
            other => {
                let detail = format!("{other:?} is no operation on a code object");
                return Err(Refusal::new(Reason::Internal, detail).into());
            }
        })
    }

    fn sequence(&mut self, edit: &Edit, words: &[Instruction]) -> Result<Vec<RawInstruction>, Trouble> {
        let mut sequence = Vec::new();
        for Instruction { op, operand } in words {
            let operand = match operand {
                Operand::None => RawOperand::None,
                Operand::Any => RawOperand::Any,
                Operand::Capture(name) => RawOperand::Capture(name.clone()),
                Operand::Text(text) if op == "const" => RawOperand::Value(self.value(edit, text)?),
                Operand::Text(text) => raw_operand(op, text),
            };
            sequence.push(RawInstruction { word: op.clone(), operand });
        }
        Ok(sequence)
    }

    /// The value of an expression. In the module's namespace, if it ran.
    fn value(&mut self, edit: &Edit, expression: &str) -> Result<Constant, Trouble> {
        let raised = |what: &str, error: &PyErr| {
            let what = format!("{}: {what} `{expression}`", refusals::name_of(edit));
            Trouble::Refused(super::super::refusal(self.py, Reason::Raised, &what, error))
        };
        let fresh = PyDict::new(self.py);
        let namespace = self.namespace.unwrap_or(&fresh);
        let eval =
            interpreter::builtins(self.py).map_err(|error| raised("evaluating", &error))?.eval.bind(self.py);
        match eval.call1((expression, namespace)) {
            Ok(value) => convert::constant(&value, self.objects).map_err(|error| raised("reading", &error)),
            Err(error) if self.namespace.is_none() && error.is_instance_of::<PyNameError>(self.py) => {
                Err(Trouble::TooEarly)
            }
            Err(error) => Err(raised("evaluating", &error)),
        }
    }

    /// Compiles a statement as if it stood in the function.
    fn statement(
        &mut self,
        edit: &Edit,
        statement: &Statement,
        new: &[Text],
    ) -> Result<Box<code::Statement>, Trouble> {
        /// Bits of `co_flags` that stand for `from __future__` imports (CPython's `Include/cpython/code.h`).
        const FUTURE: u32 = 0x1fe_0000;
        let path: Vec<Text> = edit.within.iter().map(|name| Text::from(name.as_str())).collect();
        let file = self.code.filename.to_string();
        let mismatch = |error: EditError| refusals::refusal(edit, &error, &file);
        let code = edit::nested(self.code, self.version, &path).map_err(mismatch)?;
        let class = edit.function.scope.last().map(String::as_str);
        let source = Source { text: &statement.text, in_strings: &statement.in_strings, class };
        let source = code::Statement::source(code, self.version, source, new);
        let compile = || -> PyResult<Bound<'py, PyAny>> {
            let compile = interpreter::builtins(self.py)?.compile.bind(self.py);
            compile.call1((source, file.as_str(), "exec", code.flags & FUTURE, true))
        };
        let module = compile().map_err(|error| {
            let what = format!("{}: compiling the statement", refusals::name_of(edit));
            super::super::refusal(self.py, Reason::SyntaxError, &what, &error)
        })?;
        let internal =
            |error: PyErr| super::super::refusal(self.py, Reason::Internal, "reading code", &error);
        let module = super::convert::code_object(&module, self.objects).map_err(internal)?;
        Ok(Box::new(code::Statement::from_module(&module).map_err(mismatch)?))
    }
}

fn raw_operand(word: &str, text: &str) -> RawOperand {
    match word {
        "load" | "store" | "global" | "attr" | "method" => RawOperand::Name(Text::from(text)),
        "binop" | "inplace" | "compare" | "unary" => RawOperand::Operator(text.to_owned()),
        _ => match text.parse() {
            Ok(number) => RawOperand::Number(number),
            Err(_) => RawOperand::Label(text.to_owned()),
        },
    }
}

fn name_kind(kind: NameKind) -> code::NameKind {
    match kind {
        NameKind::Global => code::NameKind::Global,
        NameKind::Attribute => code::NameKind::Attr,
        NameKind::Import => code::NameKind::Import,
    }
}

fn place(place: &Place) -> code::Place {
    code::Place {
        line: place.line,
        relline: place.relative_line.map(|line| line + 1),
        nth: place.nth.map(|nth| match nth {
            ProtocolNth::Index(number) => Nth::Index(number),
            ProtocolNth::All => Nth::All,
        }),
        of: place.of.map(|number| number as usize),
        count: place.count.map(|number| number as usize),
    }
}
