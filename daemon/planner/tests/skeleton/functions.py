"""Steered by tests/skeletons.rs.

    functions.py change SEED COUNT FILE...   writes sources and changed sources as JSON lines
    functions.py compare < JSON lines        compares code objects of whole texts and skeletons
"""

import ast
import json
import random
import sys
import warnings

warnings.simplefilter("ignore")


def names(expression):
    return {getattr(node, "id", getattr(node, "attr", None)) for node in ast.walk(expression)}


def functions(body):
    """Functions of a scope's blocks and classes, not those inside functions or in blocks left out of plans."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node
        elif not (isinstance(node, ast.If) and {"__name__", "TYPE_CHECKING"} & names(node.test)):
            for field in ("body", "orelse", "finalbody"):
                yield from functions(getattr(node, field, []))
            for part in getattr(node, "handlers", []) + getattr(node, "cases", []):
                yield from functions(part.body)


def change(text, count, choice):
    """Puts `pass; ` before a simple statement of some functions."""
    lines = text.splitlines(keepends=True)
    simple = (ast.Return, ast.Assign, ast.Expr, ast.Raise, ast.AugAssign, ast.Delete, ast.Pass, ast.Assert)
    found = []
    for node in functions(ast.parse(text).body):
        for statement in node.body[1:]:
            if isinstance(statement, simple):
                found.append((node, statement))
                break
    changed = []
    for node, statement in choice.sample(found, min(count, len(found))):
        line = lines[statement.lineno - 1].encode()
        column = statement.col_offset
        # Ruff's parser takes a soft keyword behind a semicolon for the keyword.
        if line[:column].strip() or line[column:].startswith((b"match", b"type", b"case")):
            continue
        lines[statement.lineno - 1] = (line[:column] + b"pass; " + line[column:]).decode()
        first = node.decorator_list[0].lineno if node.decorator_list else node.lineno
        changed.append((node.name, first))
    return "".join(lines), sorted(changed)


def codes(code, found):
    """Code objects by name and line, those inside functions with their function."""
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            found.setdefault((constant.co_name, constant.co_firstlineno), []).append(constant)
            codes(constant, found)
    return found


def facts(code):
    """Everything that `==` looks at, and what it leaves out in older versions."""
    tables = [getattr(code, name, None) for name in ("co_linetable", "co_exceptiontable", "co_qualname", "co_flags")]
    lnotab = None if hasattr(code, "co_positions") else code.co_lnotab
    inner = [facts(constant) for constant in code.co_consts if hasattr(constant, "co_code")]
    return [code.co_code, code.co_freevars, code.co_cellvars, code.co_names, lnotab, tables, inner]


def compare(case):
    """What differs, and how many functions were compared; what the compiler drops (`if 0:`) is not."""
    wrong, compared = [], 0
    for whole, skeleton in ((case["old"], case["old_skeleton"]), (case["new"], case["new_skeleton"])):
        try:
            kept = codes(compile(skeleton, "m", "exec", dont_inherit=True), {})
        except SyntaxError as error:
            return ["%s: %s" % (case["file"], error)], 0
        expected = codes(compile(whole, "m", "exec", dont_inherit=True), {})
        for name, line in case["functions"]:
            pair = kept.get((name, line), [None])[0], expected.get((name, line), [None])[0]
            if pair[1] is None:
                continue
            compared += 1
            if pair[0] is None or pair[0] != pair[1] or facts(pair[0]) != facts(pair[1]):
                wrong.append("%s:%d %s differs" % (case["file"], line, name))
    return wrong, compared


def main(command, *arguments):
    if command == "change":
        choice = random.Random(int(arguments[0]))
        for file in arguments[2:]:
            try:
                with open(file, encoding="utf-8", newline="") as stream:
                    old = stream.read()
                new, changed = change(old, int(arguments[1]), choice)
                compile(new, file, "exec", dont_inherit=True)
            except (SyntaxError, UnicodeDecodeError, ValueError, RecursionError):
                continue
            print(json.dumps({"file": file, "old": old, "new": new, "functions": changed}))
    else:
        count = 0
        for line in sys.stdin:
            case = json.loads(line)
            wrong, compared = compare(case)
            count += compared
            print("".join(line + "\n" for line in wrong), end="")
        print("%d code objects" % count)


main(*sys.argv[1:])
