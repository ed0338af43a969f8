#!/usr/bin/env python3
"""Write src/tables/op.rs and src/tables/v3_*.rs from the interpreters themselves.

    python tables/generate.py PYTHON [PYTHON ...]     one interpreter per minor version

Each interpreter runs this file with ``--facts`` and answers with its opcode map, cache
counts and operand classes as JSON.  Stack signatures come from ``signatures.py`` and are
compared with the interpreter's own ``stack_effect``; a difference stops the run.
"""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(os.path.dirname(HERE), "src", "tables")


def facts():
    import _opcode
    import importlib.util
    import opcode

    counts = getattr(opcode, "_inline_cache_entries", {})
    names = {number: name for name, number in opcode.opmap.items()}

    def caches(name, number):
        if isinstance(counts, list):
            return counts[number] if number < 256 else 0
        return counts.get(name, 0)

    def effects(number, has_arg):
        found = {}
        for arg in (0, 1, 2, 3, 5, 8, 258) if has_arg else (None,):
            try:
                found[str(arg)] = [_opcode.stack_effect(number, arg, jump=jump) for jump in (False, True)]
            except ValueError:
                pass
        return found

    has_arg = set(opcode.hasarg) if hasattr(opcode, "hasarg") else {n for n in names if n >= opcode.HAVE_ARGUMENT}
    classes = {key: sorted(n for n in getattr(opcode, "has" + key, ())) for key in ("const", "name", "local", "free", "jrel", "jabs")}
    return {
        "minor": sys.version_info[1],
        "magic": int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little"),
        "ops": {name: [number, caches(name, number), number in has_arg, effects(number, number in has_arg) if number < 256 else {}]
                for name, number in opcode.opmap.items()},
        "classes": classes,
        "nb_ops": [op[1] for op in getattr(opcode, "_nb_ops", [])],
        "common": [value.__name__ if hasattr(value, "__name__") else repr(value) for value in getattr(opcode, "_common_constants", [])],
        "special": list(getattr(opcode, "_special_method_names", [])),
        "intrinsics1": list(getattr(opcode, "_intrinsic_1_descs", [])),
        "intrinsics2": list(getattr(opcode, "_intrinsic_2_descs", [])),
    }


def digest(ops):
    """FNV-1a, 64 bit, over ``NAME=number,caches;`` ordered by number and name."""
    value = 0xCBF29CE484222325
    for number, name, caches in sorted((o[0], n, o[1]) for n, o in ops.items()):
        for byte in f"{name}={number},{caches};".encode():
            value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value


def camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


def pick(value, minor):
    if not isinstance(value, dict):
        return value
    return value[max(key for key in value if key <= minor)] if min(value) <= minor else None


def count(item, arg):
    kind, star, times = item.partition("*")
    if star:
        return {"n": arg, "2n": 2 * arg, "lo": arg & 255, "hi": arg >> 8}[times]
    kind, mark, bit = item.partition("?")
    return (1 if arg & int(bit) else 0) if mark else 1


def net(signature, arg, jump):
    body = " ".join(word for word in signature.split() if not word.startswith("@"))
    before, _, after = body.partition("--")
    plain, _, jumping = after.partition("/")
    after = jumping if jump and "/" in body else plain
    return sum(count(i, arg) for i in after.split()) - sum(count(i, arg) for i in before.split())


# The interpreter's number means something else here: PRECALL carries CALL's pops, a
# return pushes in the caller, and out-of-range operands have arbitrary numbers.
UNCHECKED = {"PRECALL", "CALL@11", "RETURN_VALUE", "BUILD_SLICE", "MAKE_FUNCTION", "FORMAT_VALUE",
             "GEN_START", "SETUP_WITH", "SETUP_FINALLY", "SETUP_ASYNC_WITH", "JUMP_IF_FALSE_OR_POP",
             "JUMP_IF_TRUE_OR_POP"}


def check(name, minor, signature, effects):
    if name in UNCHECKED or f"{name}@{minor}" in UNCHECKED:
        return
    for arg, (plain, jumping) in effects.items():
        arg = 0 if arg == "None" else int(arg)
        got = net(signature, arg, False)
        if got != plain:
            raise SystemExit(f"3.{minor} {name} {arg}: signature {signature!r} gives {got}, interpreter {plain}")
        if net(signature, arg, True) != jumping and "/" in signature and signature.split("/")[1].strip():
            raise SystemExit(f"3.{minor} {name} {arg}: jump effect differs from {jumping}")


def operand(name, number, f, tables):
    minor, classes = f["minor"], f["classes"]
    known = pick(tables.OPERANDS.get(name), minor) if name in tables.OPERANDS else None
    if not f["ops"][name][2]:
        return "None"
    if known:
        return known
    if number in classes["const"]:
        return "Const"
    if number in classes["name"]:
        return f"Name({pick(tables.NAME_SHIFT.get(name, {0: 0}), minor) or 0})"
    if number in classes["local"]:
        return "Local"
    if number in classes["jrel"] or number in classes["jabs"]:
        return "Target"
    return "Count"


def jump(name, number, f):
    if name == "END_ASYNC_FOR" and f["minor"] >= 14:
        return "Marker"
    if number in f["classes"]["jabs"]:
        return "Absolute"
    if number in f["classes"]["jrel"]:
        return "Backward" if "BACKWARD" in name else "Forward"
    return "None"


def table(f, tables):
    minor = f["minor"]
    rows = []
    for name, (number, caches, _, effects) in sorted(f["ops"].items(), key=lambda item: item[1][0]):
        if number > 255 or name.startswith("INSTRUMENTED") or name in tables.NEVER or name in tables.SUPERINSTRUCTIONS:
            continue
        signature = pick(tables.SIGNATURES[name], minor)
        check(name, minor, signature, effects)
        rows.append(f'    row({number}, Op::{camel(name)}, {caches}, Operand::{operand(name, number, f, tables)}, '
                    f'Jump::{jump(name, number, f)}, "{signature}"),')
    fused = [f"    ({f['ops'][name][0]}, Op::{camel(a)}, Op::{camel(b)}),"
             for name, (a, b) in tables.SUPERINSTRUCTIONS.items() if name in f["ops"]]

    def names(key):
        return "&[" + ", ".join(json.dumps(x) for x in f[key]) + "]"

    def intrinsics(key):
        return "&[" + ", ".join(json.dumps(tables.INTRINSICS.get(x, "")) for x in f[key]) + "]"

    return "\n".join([
        f"//! Opcodes of CPython 3.{minor}: numbers, caches, operands, stack signatures.",
        "//! Written by `tables/generate.py`; not to be edited by hand.",
        "",
        "use super::facts::{Facts, Jump, Op, Operand, Row, row};",
        "",
        f"pub(super) const FACTS: Facts = Facts {{",
        f"    magic: {f['magic']},",
        f"    digest: 0x{digest(f['ops']):016x},",
        f"    extended_arg: {f['ops']['EXTENDED_ARG'][0]},",
        "    rows: ROWS,",
        "    fused: FUSED,",
        f"    binary_operators: {names('nb_ops')},",
        f"    common_constants: {names('common')},",
        f"    special_methods: {names('special')},",
        f"    intrinsics1: {intrinsics('intrinsics1')},",
        f"    intrinsics2: {intrinsics('intrinsics2')},",
        "};", "",
        "#[rustfmt::skip]",
        "const ROWS: &[Row] = &[", *rows, "];", "",
        "#[rustfmt::skip]",
        "const FUSED: &[(u8, Op, Op)] = &[", *fused, "];", ""])


def main(pythons):
    sys.path.insert(0, HERE)
    import signatures as tables

    found = [json.loads(subprocess.check_output([python, __file__, "--facts"])) for python in pythons]
    skipped = tables.NEVER | set(tables.SUPERINSTRUCTIONS)
    ops = sorted({name for f in found for name, o in f["ops"].items()
                  if o[0] < 256 and not name.startswith("INSTRUMENTED") and name not in skipped})
    with open(os.path.join(SOURCE, "op.rs"), "w") as out:
        out.write("//! One name for each instruction of CPython 3.9 to 3.15.\n"
                  "//! Written by `tables/generate.py`; not to be edited by hand.\n\n"
                  "macro_rules! operations {\n    ($($variant:ident $name:literal),* $(,)?) => {\n"
                  "        /// An instruction, named as CPython names it; the number depends on the version.\n"
                  "        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\n"
                  "        #[repr(u8)]\n        pub enum Op {\n"
                  "            $(#[doc = $name] $variant),*\n        }\n\n"
                  "        impl Op {\n            /// Every instruction, in the order of the names.\n"
                  "            pub const ALL: &'static [Op] = &[$(Op::$variant),*];\n\n"
                  "            /// The name `dis` prints.\n            #[must_use]\n"
                  "            pub fn name(self) -> &'static str {\n                match self {\n"
                  "                    $(Op::$variant => $name),*\n                }\n            }\n        }\n    };\n}\n\n"
                  "operations! {\n")
        out.writelines(f'    {camel(name)} "{name}",\n' for name in ops)
        out.write("}\n")
    for f in found:
        with open(os.path.join(SOURCE, f"v3_{f['minor']}.rs"), "w") as out:
            out.write(table(f, tables))
        print(f"3.{f['minor']}: {len(f['ops'])} opcodes, digest {digest(f['ops']):016x}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--facts"]:
        json.dump(facts(), sys.stdout)
    else:
        main(sys.argv[1:])
