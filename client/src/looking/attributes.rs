//! Every `co_*` attribute of a code object, by the names that Python gives them.

use patchctl_codeobject::tables::{Handlers, LineFormat, rules};
use patchctl_codeobject::{CodeObject, Constant, Text, Version, flags};

/// Names of the bits of `co_flags` (Include/cpython/code.h and `__future__`).
const FLAGS: [(u32, &str); 22] = [
    (flags::OPTIMIZED, "OPTIMIZED"),
    (flags::NEWLOCALS, "NEWLOCALS"),
    (flags::VARARGS, "VARARGS"),
    (flags::VARKEYWORDS, "VARKEYWORDS"),
    (0x10, "NESTED"),
    (flags::GENERATOR, "GENERATOR"),
    (0x40, "NOFREE"),
    (flags::COROUTINE, "COROUTINE"),
    (flags::ITERABLE_COROUTINE, "ITERABLE_COROUTINE"),
    (flags::ASYNC_GENERATOR, "ASYNC_GENERATOR"),
    (0x2_0000, "FUTURE_DIVISION"),
    (0x4_0000, "FUTURE_ABSOLUTE_IMPORT"),
    (0x8_0000, "FUTURE_WITH_STATEMENT"),
    (0x10_0000, "FUTURE_PRINT_FUNCTION"),
    (0x20_0000, "FUTURE_UNICODE_LITERALS"),
    (0x40_0000, "FUTURE_BARRY_AS_BDFL"),
    (0x80_0000, "FUTURE_GENERATOR_STOP"),
    (0x100_0000, "FUTURE_ANNOTATIONS"),
    (0x200_0000, "NO_MONITORING_EVENTS"),
    (flags::HAS_DOCSTRING, "HAS_DOCSTRING"),
    (0x800_0000, "METHOD"),
    (0x1000_0000, "NO_LOCALS"),
];

/// Names and values, in the order in which `types.CodeType` takes them.
#[must_use]
pub fn attributes(code: &CodeObject, version: Version) -> Vec<(&'static str, String)> {
    let rules = rules(version);
    let mut all = vec![
        ("co_argcount", code.argcount.to_string()),
        ("co_posonlyargcount", code.posonlyargcount.to_string()),
        ("co_kwonlyargcount", code.kwonlyargcount.to_string()),
        ("co_nlocals", code.varnames.len().to_string()),
        ("co_stacksize", code.stacksize.to_string()),
        ("co_flags", named_flags(code.flags)),
        ("co_code", hex(&code.code)),
        ("co_consts", Constant::Tuple(code.consts.clone()).to_string()),
        ("co_names", names(&code.names)),
        ("co_varnames", names(&code.varnames)),
        ("co_freevars", names(&code.freevars)),
        ("co_cellvars", names(&code.cellvars)),
        ("co_filename", Constant::Str(code.filename.clone()).to_string()),
        ("co_name", Constant::Str(code.name.clone()).to_string()),
    ];
    let has_table = rules.handlers == Handlers::Table;
    if has_table {
        all.push(("co_qualname", Constant::Str(code.qualname.clone()).to_string()));
    }
    all.push(("co_firstlineno", code.firstlineno.to_string()));
    let lines = if rules.lines == LineFormat::Lnotab { "co_lnotab" } else { "co_linetable" };
    all.push((lines, hex(&code.linetable)));
    if has_table {
        all.push(("co_exceptiontable", hex(&code.exceptiontable)));
    }
    all
}

fn names(names: &[Text]) -> String {
    Constant::Tuple(names.iter().cloned().map(Constant::Str).collect()).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn named_flags(bits: u32) -> String {
    let known = FLAGS.iter().filter(|(bit, _)| bits & bit != 0);
    let mut words: Vec<String> = known.map(|(_, name)| (*name).to_owned()).collect();
    let rest = FLAGS.iter().fold(bits, |rest, (bit, _)| rest & !bit);
    if rest != 0 {
        words.push(format!("{rest:#x}"));
    }
    if words.is_empty() { bits.to_string() } else { format!("{bits} ({})", words.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::named_flags;

    #[test]
    fn flags_have_names() {
        assert_eq!(named_flags(0), "0");
        assert_eq!(named_flags(0x23), "35 (OPTIMIZED, NEWLOCALS, GENERATOR)");
        assert_eq!(named_flags(1 << 31), "2147483648 (0x80000000)");
    }
}
