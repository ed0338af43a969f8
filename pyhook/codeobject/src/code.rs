//! The code object as plain data: every `co_*` field, nothing computed from the bytes.

use crate::{Constant, Text};

/// Bits of `co_flags` (Include/cpython/code.h).
pub mod flags {
    /// Locals live in slots.
    pub const OPTIMIZED: u32 = 0x1;
    /// A new locals dict for each call.
    pub const NEWLOCALS: u32 = 0x2;
    /// `*args`
    pub const VARARGS: u32 = 0x4;
    /// `**kwargs`
    pub const VARKEYWORDS: u32 = 0x8;
    /// Generator function.
    pub const GENERATOR: u32 = 0x20;
    /// Coroutine function.
    pub const COROUTINE: u32 = 0x80;
    /// Generator usable in `await`.
    pub const ITERABLE_COROUTINE: u32 = 0x100;
    /// Asynchronous generator function.
    pub const ASYNC_GENERATOR: u32 = 0x200;
    /// The first constant is the docstring (3.14 and newer).
    pub const HAS_DOCSTRING: u32 = 0x400_0000;
    /// Any of the kinds whose call makes a generator-like object.
    pub const GENERATOR_LIKE: u32 = GENERATOR | COROUTINE | ASYNC_GENERATOR;
}

/// A CPython code object of any supported version.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct CodeObject {
    /// `co_argcount`: positional parameters, including positional-only ones.
    pub argcount: u32,
    /// `co_posonlyargcount`
    pub posonlyargcount: u32,
    /// `co_kwonlyargcount`
    pub kwonlyargcount: u32,
    /// `co_stacksize`: stack slots the frame reserves.
    pub stacksize: u32,
    /// `co_flags`, see [`flags`].
    pub flags: u32,
    /// `co_code`: unspecialised, caches zero.
    pub code: Vec<u8>,
    /// `co_consts`
    pub consts: Vec<Constant>,
    /// `co_names`
    pub names: Vec<Text>,
    /// `co_varnames`: arguments first.
    pub varnames: Vec<Text>,
    /// `co_freevars`
    pub freevars: Vec<Text>,
    /// `co_cellvars`: may repeat arguments.
    pub cellvars: Vec<Text>,
    /// `co_filename`
    pub filename: Text,
    /// `co_name`
    pub name: Text,
    /// `co_qualname`; equal to the name before 3.11, which has none.
    pub qualname: Text,
    /// `co_firstlineno`
    pub firstlineno: i32,
    /// `co_lnotab` (3.9) or `co_linetable`.
    pub linetable: Vec<u8>,
    /// `co_exceptiontable`; empty before 3.11.
    pub exceptiontable: Vec<u8>,
    /// Kind bits of the slots as marshal has them (3.11 and newer); empty when unknown,
    /// for Python does not show them.
    pub slot_kinds: Vec<u8>,
}

impl CodeObject {
    /// Parameters that arrive in the first slots, `*args` and `**kwargs` included.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        let stars =
            (self.flags & flags::VARARGS != 0) as usize + (self.flags & flags::VARKEYWORDS != 0) as usize;
        self.argcount as usize + self.kwonlyargcount as usize + stars
    }

    /// Whether a call makes a generator, coroutine or asynchronous generator.
    #[must_use]
    pub fn is_generator_like(&self) -> bool {
        self.flags & flags::GENERATOR_LIKE != 0
    }

    /// Cells that are no plain locals: they own a slot after the locals (3.11 and newer).
    pub fn own_cells(&self) -> impl Iterator<Item = &Text> {
        self.cellvars.iter().filter(|cell| !self.varnames.contains(cell))
    }

    /// Names of the slots of 3.11 and newer: locals, then cells of their own, then free
    /// variables (`PyCode_New` in Objects/codeobject.c).
    #[must_use]
    pub fn slot_names(&self) -> Vec<&Text> {
        let locals = self.varnames.iter();
        locals.chain(self.own_cells()).chain(&self.freevars).collect()
    }

    /// The code object of that qualified name within this one, the last where there are several:
    /// `Class.method`, `outer.<locals>.inner`. The empty name, and `<module>`, are this one.
    #[must_use]
    pub fn within(&self, qualname: &str) -> Option<&CodeObject> {
        let names = qualname.split('.').filter(|name| !matches!(*name, "" | "<locals>" | "<module>"));
        let mut code = self;
        for name in names {
            code = code.nested().filter(|(_, nested)| nested.name == name).last()?.1;
        }
        Some(code)
    }

    /// Qualified names of all code objects nested in this one, in order.
    #[must_use]
    pub fn qualnames(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.collect_qualnames("", &mut names);
        names
    }

    fn collect_qualnames(&self, within: &str, names: &mut Vec<String>) {
        for (_, nested) in self.nested() {
            let own = format!("{within}{}", nested.name);
            let inner = match nested.flags & flags::OPTIMIZED {
                0 => format!("{own}."),
                _ => format!("{own}.<locals>."),
            };
            names.push(own);
            nested.collect_qualnames(&inner, names);
        }
    }

    /// Nested code objects among the constants, with their index.
    pub fn nested(&self) -> impl Iterator<Item = (usize, &CodeObject)> {
        let consts = self.consts.iter().enumerate();
        consts.filter_map(|(index, constant)| Some((index, constant.as_code()?)))
    }
}
