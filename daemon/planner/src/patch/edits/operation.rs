//! What one `[[edit]]` table does: the one key that names its operation, and those that belong to it.

use super::super::reader::{Key, Reader, Value};
use super::operators::{self, UNARY};
use super::sequence::sequence;
use crate::error::Fault;
use crate::source::Source;
use crate::stack::with_deep_stack;
use patchctl_protocol::edit::{Access, InsertAt, Instruction, NameKind, Operation, Statement};

/// Keys that name an operation.
pub(super) const OPERATIONS: [&str; 16] = [
    "replace",
    "unary",
    "negate",
    "constant",
    "name",
    "local",
    "global-to-constant",
    "global-to-local",
    "add-argument",
    "rename-argument",
    "swap-arguments",
    "default",
    "insert",
    "remove-line",
    "replace-line",
    "match",
];

/// Keys that say more about an operation.
pub(super) const DETAILS: [&str; 7] = ["kind", "access", "at", "before-line", "after-line", "value", "with"];

/// The further keys of a table, taken out as the operation asks for them.
pub(super) struct Details<'t, 'v>(pub Vec<(&'t Key<'v>, &'t Value<'v>)>);

impl<'t, 'v> Details<'t, 'v> {
    fn take(&mut self, name: &str) -> Option<&'t Value<'v>> {
        let position = self.0.iter().position(|(key, _)| key.get_ref() == name)?;
        Some(self.0.remove(position).1)
    }
}

impl Reader<'_> {
    /// Reads the operation that a key names.
    pub(super) fn operation(
        &self,
        key: &Key<'_>,
        value: &Value<'_>,
        details: &mut Details<'_, '_>,
    ) -> Result<Operation, Fault> {
        let operation = match key.get_ref().as_ref() {
            "replace" => self.operators(value, operators::replacement)?,
            "unary" => self.operators(value, operators::unary)?,
            "negate" if self.boolean(value)? => Operation::Negate,
            "negate" => return Err(self.wrong(value, "true")),
            "constant" => {
                let [from, to] = self.pair(value)?;
                Operation::Constant { from: self.expression(from)?, to: self.expression(to)? }
            }
            "name" => {
                let (from, to) = self.names(value)?;
                Operation::Name {
                    kind: details.take("kind").map(|kind| self.kind(kind)).transpose()?,
                    from,
                    to,
                }
            }
            "local" => {
                let (from, to) = self.names(value)?;
                let access = details.take("access").map(|access| self.access(access)).transpose()?;
                Operation::Local { from, to, access: access.unwrap_or_default() }
            }
            "global-to-constant" => {
                let (name, value) = self.name_and_value(value)?;
                Operation::GlobalToConstant { name, value }
            }
            "global-to-local" => {
                let (name, local) = self.names(value)?;
                Operation::GlobalToLocal { name, local }
            }
            "insert" => self.insertion(value, details)?,
            "remove-line" => Operation::RemoveLine { line: self.line_number(value)? },
            "replace-line" => {
                let [line, statement] = self.pair(value)?;
                Operation::ReplaceLine {
                    line: self.line_number(line)?,
                    statement: self.statement(statement)?,
                }
            }
            "match" => {
                let with = details.take("with").ok_or_else(|| {
                    self.fault(&key.span(), "`match` without `with`")
                        .hint("Say what to put in its place; `with = \"\"` takes it out.")
                })?;
                Operation::Match { pattern: self.sequence(value)?, replacement: self.sequence(with)? }
            }
            _ => self.signature(key, value)?,
        };
        Ok(operation)
    }

    /// The operations on the parameters of a function.
    fn signature(&self, key: &Key<'_>, value: &Value<'_>) -> Result<Operation, Fault> {
        Ok(match key.get_ref().as_ref() {
            "add-argument" => {
                let (name, default) = self.name_and_value(value)?;
                Operation::AddArgument { name, default }
            }
            "rename-argument" => {
                let (from, to) = self.names(value)?;
                Operation::RenameArgument { from, to }
            }
            "swap-arguments" => {
                let (one, other) = self.names(value)?;
                Operation::SwapArguments { one, other }
            }
            _ => {
                let (name, value) = self.name_and_value(value)?;
                Operation::Default { name, value }
            }
        })
    }

    fn insertion(&self, value: &Value<'_>, details: &mut Details<'_, '_>) -> Result<Operation, Fault> {
        let (at, before, after) =
            (details.take("at"), details.take("before-line"), details.take("after-line"));
        let name = details.take("value");
        let statement = self.statement(value)?;
        let at = match (at, before, after) {
            (None, Some(line), None) => InsertAt::BeforeLine(self.line_number(line)?),
            (None, None, Some(line)) => InsertAt::AfterLine(self.line_number(line)?),
            (None, None, None) => InsertAt::Entry,
            (Some(at), None, None) => match self.text(at)?.as_str() {
                "entry" => InsertAt::Entry,
                "return" => InsertAt::Return(name.map(|name| self.name(name)).transpose()?),
                _ => return Err(self.wrong(at, "`\"entry\"` or `\"return\"`")),
            },
            _ => {
                let message = "more than one of `at`, `before-line` and `after-line`";
                return Err(self.fault(&value.span(), message));
            }
        };
        match (name, &at) {
            (Some(name), InsertAt::Entry | InsertAt::BeforeLine(_) | InsertAt::AfterLine(_)) => {
                Err(self.fault(&name.span(), "`value` is for `at = \"return\"`: there is no value elsewhere"))
            }
            _ => Ok(Operation::Insert { at, statement }),
        }
    }

    fn operators(
        &self,
        value: &Value<'_>,
        find: fn(&str, &str) -> Option<Operation>,
    ) -> Result<Operation, Fault> {
        let [from, to] = self.pair(value)?;
        let (from, to) = (self.text(from)?, self.text(to)?);
        find(&from, &to).ok_or_else(|| {
            self.fault(&value.span(), format!("operator `{from}` can't become `{to}`")).hint(format!(
                "Both are binary (`+`, `+=`, `//`), or comparisons (`<`, `not in`), or unary ({}).",
                UNARY.map(|operator| format!("`{operator}`")).join(", ")
            ))
        })
    }

    /// A list of two: what there is and what it becomes.
    fn pair<'t, 'v>(&self, value: &'t Value<'v>) -> Result<[&'t Value<'v>; 2], Fault> {
        let items = value.get_ref().as_array();
        match items.map(|items| items.iter().collect::<Vec<_>>()).as_deref() {
            Some([from, to]) => Ok([*from, *to]),
            _ => Err(self.wrong(value, "a list of two, `[FROM, TO]`")),
        }
    }

    fn names(&self, value: &Value<'_>) -> Result<(String, String), Fault> {
        let [from, to] = self.pair(value)?;
        Ok((self.name(from)?, self.name(to)?))
    }

    fn name_and_value(&self, value: &Value<'_>) -> Result<(String, String), Fault> {
        let [name, value] = self.pair(value)?;
        Ok((self.name(name)?, self.expression(value)?))
    }

    /// A Python identifier, or a dotted name of an import.
    fn name(&self, value: &Value<'_>) -> Result<String, Fault> {
        let name = self.text(value)?;
        if super::super::path::is_dotted_name(&name) {
            return Ok(name);
        }
        Err(self.fault(&value.span(), format!("`{name}` is no name")))
    }

    fn kind(&self, value: &Value<'_>) -> Result<NameKind, Fault> {
        match self.text(value)?.as_str() {
            "global" => Ok(NameKind::Global),
            "attribute" => Ok(NameKind::Attribute),
            "import" => Ok(NameKind::Import),
            _ => Err(self.wrong(value, "`\"global\"`, `\"attribute\"` or `\"import\"`")),
        }
    }

    fn access(&self, value: &Value<'_>) -> Result<Access, Fault> {
        match self.text(value)?.as_str() {
            "load" => Ok(Access::Load),
            "store" => Ok(Access::Store),
            _ => Err(self.wrong(value, "`\"load\"` or `\"store\"`")),
        }
    }

    /// The text of one or more Python statements.
    fn statement(&self, value: &Value<'_>) -> Result<Statement, Fault> {
        let text = self.text(value)?;
        let text = text.trim_matches('\n');
        if text.trim().is_empty() {
            return Err(self.fault(&value.span(), "an empty statement"));
        }
        let in_strings =
            with_deep_stack(|| Source::read(text).map(|source| source.lines_in_strings().clone()));
        match in_strings {
            Ok(lines) => Ok(Statement { text: text.to_owned(), in_strings: lines.into_iter().collect() }),
            Err(fault) => {
                let message = format!("statement, line {}: {}", fault.line, fault.message);
                Err(self.fault(&value.span(), message))
            }
        }
    }

    fn sequence(&self, value: &Value<'_>) -> Result<Vec<Instruction>, Fault> {
        let text = self.text(value)?;
        sequence(&text).map_err(|message| {
            self.fault(&value.span(), message).hint("One instruction a line, such as `load $1`.")
        })
    }
}
