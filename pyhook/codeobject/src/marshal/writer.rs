//! Code objects to marshal data (Python/marshal.c), without references.

use super::slots;
use crate::tables::{Handlers, rules};
use crate::{CodeObject, Constant, Text, Version};

/// Writes a code object as `marshal.loads` of the version reads it. `None` if a constant
/// is opaque.
#[must_use]
pub fn write_code(code: &CodeObject, version: Version) -> Option<Vec<u8>> {
    let mut writer = Writer { out: Vec::new(), version };
    writer.code(code)?;
    Some(writer.out)
}

struct Writer {
    out: Vec<u8>,
    version: Version,
}

impl Writer {
    fn long(&mut self, value: u32) {
        self.out.extend(value.to_le_bytes());
    }

    fn sized(&mut self, kind: u8, bytes: &[u8]) {
        self.out.push(kind);
        self.long(bytes.len() as u32);
        self.out.extend(bytes);
    }

    fn text(&mut self, text: &Text) {
        self.sized(b'u', text.as_bytes());
    }

    fn texts<'a>(&mut self, texts: impl ExactSizeIterator<Item = &'a Text>) {
        self.out.push(b'(');
        self.long(texts.len() as u32);
        texts.for_each(|text| self.text(text));
    }

    fn items(&mut self, kind: u8, items: &[Constant]) -> Option<()> {
        self.out.push(kind);
        self.long(items.len() as u32);
        items.iter().try_for_each(|item| self.value(item))
    }

    fn value(&mut self, value: &Constant) -> Option<()> {
        match value {
            Constant::None => self.out.push(b'N'),
            Constant::Ellipsis => self.out.push(b'.'),
            Constant::StopIteration => self.out.push(b'S'),
            Constant::Bool(value) => self.out.push(if *value { b'T' } else { b'F' }),
            Constant::Int(value) => self.int(*value),
            Constant::BigInt { negative, magnitude } => self.integer(*negative, magnitude),
            Constant::Float(bits) => {
                self.out.push(b'g');
                self.out.extend(bits.to_le_bytes());
            }
            Constant::Complex(real, imaginary) => {
                self.out.push(b'y');
                self.out.extend(real.to_le_bytes());
                self.out.extend(imaginary.to_le_bytes());
            }
            Constant::Str(text) => self.text(text),
            Constant::Bytes(bytes) => self.sized(b's', bytes),
            Constant::Tuple(items) => self.items(b'(', items)?,
            Constant::FrozenSet(items) => self.items(b'>', items)?,
            Constant::Slice(parts) => {
                self.out.push(b':');
                parts.iter().try_for_each(|part| self.value(part))?;
            }
            Constant::Code(code) => self.code(code)?,
            Constant::Opaque(_) => return None,
        }
        Some(())
    }

    /// As CPython writes it: `TYPE_INT` where 32 bits do, since only that gives the interpreter's own small
    /// integers back. `TYPE_LONG` makes new ones, and 3.11 reads the one digit that its new zero has not.
    fn int(&mut self, value: i64) {
        match i32::try_from(value) {
            Ok(small) => {
                self.out.push(b'i');
                self.out.extend(small.to_le_bytes());
            }
            Err(_) => self.integer(value < 0, &value.unsigned_abs().to_le_bytes()),
        }
    }

    fn integer(&mut self, negative: bool, magnitude: &[u8]) {
        let (mut digits, mut rest, mut bits) = (Vec::new(), 0_u32, 0);
        for byte in magnitude {
            rest |= u32::from(*byte) << bits;
            bits += 8;
            if bits >= 15 {
                digits.push(rest as u16 & 0x7fff);
                rest >>= 15;
                bits -= 15;
            }
        }
        digits.push(rest as u16);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        let count = digits.len() as i32;
        self.out.push(b'l');
        self.long((if negative { -count } else { count }) as u32);
        digits.iter().for_each(|digit| self.out.extend(digit.to_le_bytes()));
    }

    fn code(&mut self, code: &CodeObject) -> Option<()> {
        let unified = rules(self.version).unified_slots;
        self.out.push(b'c');
        self.long(code.argcount);
        self.long(code.posonlyargcount);
        self.long(code.kwonlyargcount);
        if !unified {
            self.long(code.varnames.len() as u32);
        }
        self.long(code.stacksize);
        self.long(code.flags);
        self.sized(b's', &code.code);
        self.items(b'(', &code.consts)?;
        self.texts(code.names.iter());
        if unified {
            self.texts(code.slot_names().into_iter());
            self.sized(b's', &slots::kinds(code));
        } else {
            self.texts(code.varnames.iter());
            self.texts(code.freevars.iter());
            self.texts(code.cellvars.iter());
        }
        self.text(&code.filename);
        self.text(&code.name);
        if unified {
            self.text(&code.qualname);
        }
        self.long(code.firstlineno as u32);
        self.sized(b's', &code.linetable);
        if rules(self.version).handlers == Handlers::Table {
            self.sized(b's', &code.exceptiontable);
        }
        Some(())
    }
}
