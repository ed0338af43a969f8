//! Marshal data to code objects (Python/marshal.c); no other top-level values.

use thiserror::Error;

use super::slots;
use crate::tables::{Handlers, rules};
use crate::{CodeObject, Constant, Text, Version};

/// Marshal data that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MarshalError {
    /// The data ends too early.
    #[error("marshal data ends too early")]
    Truncated,
    /// No supported interpreter writes this magic number.
    #[error("unknown magic number {0}")]
    UnknownMagic(u16),
    /// A type that does not occur in code objects.
    #[error("unexpected marshal type {0:?}")]
    UnknownType(char),
    /// A value of another type than its place asks for.
    #[error("marshal data has no {0} where one is needed")]
    Unexpected(&'static str),
    /// A reference to nothing.
    #[error("marshal reference {0} leads nowhere")]
    BadReference(u32),
    /// Values nested too deeply.
    #[error("marshal data is nested too deeply")]
    TooDeep,
}

const FLAG_REF: u8 = 0x80;
const MAX_DEPTH: u32 = 500;

/// Reads one marshalled code object; bytes after it are ignored.
///
/// # Errors
/// When the data is malformed or no code object.
pub fn read_code(bytes: &[u8], version: Version) -> Result<CodeObject, MarshalError> {
    let mut reader = Reader { bytes, at: 0, refs: Vec::new(), version, depth: 0 };
    match reader.value()? {
        Constant::Code(code) => Ok(*code),
        _ => Err(MarshalError::Unexpected("code object")),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    refs: Vec<Option<Constant>>,
    version: Version,
    depth: u32,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], MarshalError> {
        let end = self.at.checked_add(count).ok_or(MarshalError::Truncated)?;
        let bytes = self.bytes.get(self.at..end).ok_or(MarshalError::Truncated)?;
        self.at = end;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, MarshalError> {
        Ok(self.take(1)?[0])
    }

    fn long(&mut self) -> Result<i32, MarshalError> {
        let bytes = self.take(4)?;
        Ok(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn length(&mut self) -> Result<usize, MarshalError> {
        let length = usize::try_from(self.long()?).map_err(|_| MarshalError::Truncated)?;
        // Every item takes at least a byte: no data can make this allocate more.
        if length > self.bytes.len() - self.at {
            return Err(MarshalError::Truncated);
        }
        Ok(length)
    }

    fn value(&mut self) -> Result<Constant, MarshalError> {
        let code = self.byte()?;
        let kind = code & !FLAG_REF;
        if kind == b'r' {
            return self.reference();
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(MarshalError::TooDeep);
        }
        let flagged = code & FLAG_REF != 0;
        let slot = self.refs.len();
        if flagged {
            self.refs.push(None);
        }
        let value = self.body(kind)?;
        if flagged {
            self.refs[slot] = Some(value.clone());
        }
        self.depth -= 1;
        Ok(value)
    }

    fn reference(&mut self) -> Result<Constant, MarshalError> {
        let index = self.long()? as u32;
        let known = self.refs.get(index as usize).cloned().flatten();
        known.ok_or(MarshalError::BadReference(index))
    }

    fn body(&mut self, kind: u8) -> Result<Constant, MarshalError> {
        Ok(match kind {
            b'N' => Constant::None,
            b'.' => Constant::Ellipsis,
            b'S' => Constant::StopIteration,
            b'T' => Constant::Bool(true),
            b'F' => Constant::Bool(false),
            b'i' => Constant::Int(i64::from(self.long()?)),
            b'l' => self.integer()?,
            b'g' => Constant::Float(self.double()?),
            b'y' => Constant::Complex(self.double()?, self.double()?),
            b's' => {
                let length = self.length()?;
                Constant::Bytes(self.take(length)?.to_vec())
            }
            b'u' | b't' | b'a' | b'A' => {
                let length = self.length()?;
                self.text(length)?
            }
            b'z' | b'Z' => {
                let length = usize::from(self.byte()?);
                self.text(length)?
            }
            b')' => {
                let count = usize::from(self.byte()?);
                Constant::Tuple(self.items(count)?)
            }
            b'(' => {
                let count = self.length()?;
                Constant::Tuple(self.items(count)?)
            }
            b'<' | b'>' => {
                let count = self.length()?;
                Constant::FrozenSet(self.items(count)?)
            }
            b':' => {
                let parts = [self.value()?, self.value()?, self.value()?];
                Constant::Slice(Box::new(parts))
            }
            b'c' => Constant::Code(Box::new(self.code()?)),
            other => return Err(MarshalError::UnknownType(char::from(other))),
        })
    }

    fn items(&mut self, count: usize) -> Result<Vec<Constant>, MarshalError> {
        (0..count).map(|_| self.value()).collect()
    }

    fn text(&mut self, length: usize) -> Result<Constant, MarshalError> {
        let bytes = self.take(length)?.to_vec();
        Ok(Constant::Str(Text::from_surrogatepass(bytes)))
    }

    fn double(&mut self) -> Result<u64, MarshalError> {
        let bytes = self.take(8)?;
        let mut double = [0; 8];
        double.copy_from_slice(bytes);
        Ok(u64::from_le_bytes(double))
    }

    /// Digits of 15 bits, least significant first; the sign is that of the count.
    fn integer(&mut self) -> Result<Constant, MarshalError> {
        let count = self.long()?;
        let digits = self.take(count.unsigned_abs() as usize * 2)?;
        let digits = digits.chunks_exact(2);
        let digits = digits.map(|pair| u32::from(u16::from_le_bytes([pair[0], pair[1]])));
        let (mut magnitude, mut rest, mut bits) = (Vec::new(), 0_u32, 0);
        for digit in digits {
            rest |= digit << bits;
            bits += 15;
            while bits >= 8 {
                magnitude.push(rest as u8);
                rest >>= 8;
                bits -= 8;
            }
        }
        magnitude.push(rest as u8);
        Ok(shrink(count < 0, magnitude))
    }

    fn code(&mut self) -> Result<CodeObject, MarshalError> {
        let unified = rules(self.version).unified_slots;
        let has_table = rules(self.version).handlers == Handlers::Table;
        let mut code = CodeObject {
            argcount: self.long()? as u32,
            posonlyargcount: self.long()? as u32,
            kwonlyargcount: self.long()? as u32,
            ..CodeObject::default()
        };
        if !unified {
            self.long()?;
        }
        code.stacksize = self.long()? as u32;
        code.flags = self.long()? as u32;
        code.code = self.bytes()?;
        code.consts = self.tuple()?;
        code.names = self.names()?;
        if unified {
            let names = self.names()?;
            code.slot_kinds = self.bytes()?;
            if !slots::split(&mut code, &names) {
                return Err(MarshalError::Unexpected("kind for each slot"));
            }
        } else {
            code.varnames = self.names()?;
            code.freevars = self.names()?;
            code.cellvars = self.names()?;
        }
        code.filename = self.string()?;
        code.name = self.string()?;
        code.qualname = match unified {
            true => self.string()?,
            false => code.name.clone(),
        };
        code.firstlineno = self.long()?;
        code.linetable = self.bytes()?;
        if has_table {
            code.exceptiontable = self.bytes()?;
        }
        Ok(code)
    }

    fn bytes(&mut self) -> Result<Vec<u8>, MarshalError> {
        match self.value()? {
            Constant::Bytes(bytes) => Ok(bytes),
            _ => Err(MarshalError::Unexpected("bytes")),
        }
    }

    fn string(&mut self) -> Result<Text, MarshalError> {
        as_text(self.value()?)
    }

    fn tuple(&mut self) -> Result<Vec<Constant>, MarshalError> {
        match self.value()? {
            Constant::Tuple(items) => Ok(items),
            _ => Err(MarshalError::Unexpected("tuple")),
        }
    }

    fn names(&mut self) -> Result<Vec<Text>, MarshalError> {
        self.tuple()?.into_iter().map(as_text).collect()
    }
}

fn as_text(value: Constant) -> Result<Text, MarshalError> {
    match value {
        Constant::Str(text) => Ok(text),
        _ => Err(MarshalError::Unexpected("str")),
    }
}

fn shrink(negative: bool, mut magnitude: Vec<u8>) -> Constant {
    while magnitude.last() == Some(&0) {
        magnitude.pop();
    }
    let wide = magnitude.len() > 8;
    let low = magnitude.iter().take(8).rev();
    let low = low.fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    match i64::try_from(low) {
        Ok(value) if !wide => Constant::Int(if negative { -value } else { value }),
        _ => Constant::BigInt { negative, magnitude },
    }
}
