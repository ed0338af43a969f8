//! Reads TOML values of a patch file, with the place in the file of each fault.

use super::block::Block;
use crate::error::Fault;
use crate::near::near_misses;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) type Value<'a> = Spanned<DeValue<'a>>;
pub(super) type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;

/// Turns places in the TOML into places in the file.
pub(super) struct Reader<'b> {
    block: &'b Block,
}

impl<'b> Reader<'b> {
    /// Parses the TOML of a block.
    pub fn parse(block: &'b Block) -> Result<(Self, Spanned<DeTable<'b>>), Fault> {
        let reader = Self { block };
        let table = DeTable::parse(&block.toml).map_err(|error| {
            reader.fault(&error.span().unwrap_or(0..0), error.message().trim().to_owned())
        })?;
        Ok((reader, table))
    }

    pub fn fault(&self, span: &Range<usize>, message: impl Into<String>) -> Fault {
        let (line, column) = self.place(span);
        Fault::at(line, message).column(column)
    }

    /// Line and column in the file, counted from 1.
    pub fn place(&self, span: &Range<usize>) -> (u32, u32) {
        let before = self.block.toml.get(..span.start).unwrap_or(&self.block.toml);
        let line = before.matches('\n').count();
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.block.line.saturating_add(u32::try_from(line).unwrap_or(u32::MAX));
        let column = u32::try_from(column + 1).unwrap_or(u32::MAX);
        (line, column.saturating_add(self.block.indent))
    }

    pub fn unknown(&self, span: &Range<usize>, name: &str, known: &[&str]) -> Fault {
        let fault = self.fault(span, format!("unknown key `{name}`"));
        match near_misses(name, known.iter().copied()).first() {
            Some(near) => fault.hint(format!("Did you mean `{near}`?")),
            None => fault.hint(format!("Known keys: {}.", known.join(", "))),
        }
    }

    pub fn wrong(&self, value: &Value<'_>, wanted: &str) -> Fault {
        let found = value.get_ref().type_str();
        self.fault(&value.span(), format!("expected {wanted}, found {found}"))
    }

    pub fn text(&self, value: &Value<'_>) -> Result<String, Fault> {
        let text = value.get_ref().as_str().ok_or_else(|| self.wrong(value, "a string"))?;
        Ok(text.to_owned())
    }

    pub fn boolean(&self, value: &Value<'_>) -> Result<bool, Fault> {
        value.get_ref().as_bool().ok_or_else(|| self.wrong(value, "true or false"))
    }

    pub fn integer(&self, value: &Value<'_>) -> Result<i64, Fault> {
        let integer = value.get_ref().as_integer();
        integer
            .and_then(|integer| i64::from_str_radix(integer.as_str(), integer.radix()).ok())
            .ok_or_else(|| self.wrong(value, "an integer of 64 bits"))
    }

    /// A list of strings; a single string is a list of one.
    pub fn list(&self, value: &Value<'_>) -> Result<Vec<String>, Fault> {
        match value.get_ref().as_array() {
            Some(items) => items.iter().map(|item| self.text(item)).collect(),
            None if value.get_ref().is_str() => Ok(vec![self.text(value)?]),
            None => Err(self.wrong(value, "a string or a list of strings")),
        }
    }
}
