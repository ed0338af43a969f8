//! Which occurrence an edit means: `line`, `relative-line`, `nth`, `all`, `of`, `count`.

use super::super::reader::{Key, Reader, Value};
use crate::error::Fault;
use patchctl_protocol::edit::{Nth, Place};

pub(super) const KEYS: [&str; 6] = ["line", "relative-line", "nth", "all", "of", "count"];

impl Reader<'_> {
    /// Takes over a key; whether it is one of an address.
    pub(super) fn address(&self, place: &mut Place, key: &Key<'_>, value: &Value<'_>) -> Result<bool, Fault> {
        match key.get_ref().as_ref() {
            "line" => place.line = Some(self.line_number(value)?),
            "relative-line" => place.relative_line = Some(self.number(value)?),
            "nth" => self.choose(place, key, Nth::Index(self.integer(value)?))?,
            "all" if !self.boolean(value)? => {}
            "all" => self.choose(place, key, Nth::All)?,
            "of" => place.of = Some(self.number(value)?),
            "count" => place.count = Some(self.number(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn choose(&self, place: &mut Place, key: &Key<'_>, nth: Nth) -> Result<(), Fault> {
        match place.nth.replace(nth) {
            None => Ok(()),
            Some(_) => Err(self.fault(&key.span(), "`nth` and `all` contradict each other")),
        }
    }

    /// A line of a file, counted from 1.
    pub(super) fn line_number(&self, value: &Value<'_>) -> Result<i32, Fault> {
        let line = self.number(value)?;
        if line < 1 { Err(self.wrong(value, "a line, counted from 1")) } else { Ok(line) }
    }

    fn number<T: TryFrom<i64>>(&self, value: &Value<'_>) -> Result<T, Fault> {
        T::try_from(self.integer(value)?).map_err(|_| self.wrong(value, "a smaller number"))
    }
}
