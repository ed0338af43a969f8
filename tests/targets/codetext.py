"""What a code object says that it does, as text (standard library only)."""

import dis
import sys
import types

PLAIN = (
    int,
    float,
    complex,
    str,
    bytes,
    bool,
    type(None),
    type(Ellipsis),
    type(NotImplemented),
    range,
    slice,
)
VERSION = sys.version_info[:2]
PASSED_OVER = {"CACHE", "PUSH_NULL", "PRECALL", "EXTENDED_ARG"}
JUMPS = {*dis.hasjrel, *dis.hasjabs}


def code_text(code):
    """Everything of a code object that says what it does."""
    parts = [code.co_name, getattr(code, "co_qualname", ""), instructions(code)]
    parts += [code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags]
    parts += [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount]
    parts += [constant_text(one) for one in code.co_consts]
    return repr(parts)


def instructions(code):
    """What is done, without jump distances.

    Forms that depend on what else is compiled are one: a method called on an imported module is looked up in
    another way from 3.11 on.
    """
    found = []
    for *_, number, given in dis._unpack_opargs(code.co_code):
        name, argument = dis.opname[number], given
        if name in PASSED_OVER:
            continue
        if number in JUMPS:
            argument = None
        elif name == "LOAD_METHOD":
            name = "LOAD_ATTR"
        elif (name == "LOAD_GLOBAL" and VERSION >= (3, 11)) or (name == "LOAD_ATTR" and VERSION >= (3, 12)):
            argument = given >> 1
        elif name == "CALL_METHOD":
            name = "CALL_FUNCTION"
        found.append((name, argument))
    return found


def constant_text(value):
    """A constant of a code object."""
    if isinstance(value, types.CodeType):
        return code_text(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(constant_text, value))})"
    if isinstance(value, frozenset):
        return f"frozenset({sorted(map(constant_text, value))})"
    return repr(value) if isinstance(value, PLAIN) else f"<{type(value).__name__}>"


def lines_text(code):
    """Line numbers of a code object and of those in it."""
    inner = [lines_text(one) for one in code.co_consts if isinstance(one, types.CodeType)]
    return repr(
        (
            code.co_firstlineno,
            [line for _, _, line in code.co_lines()] if sys.version_info >= (3, 10) else 0,
            inner,
        )
    )
