"""Patches that change no behaviour: each function of a file gets one more assignment, on an old one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from tests.rig.package import git_diff

TESTS = {"tests", "conftest.py"}
ADDED = "identity_of_tests = 0"
Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]
NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Identity:
    """A diff of one module, and how many of its functions it changes, out of how many."""

    name: str
    text: str
    changed: int
    functions: int


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """The simple statements of a function, without those of what is defined in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, NESTED):
            continue
        if isinstance(child, ast.stmt) and not any(
            isinstance(one, ast.stmt) for one in ast.walk(child) if one is not child
        ):
            yield child
        elif isinstance(child, (ast.stmt, ast.excepthandler)) or type(child).__name__ == "match_case":
            yield from statements(child)


def place(function: Function) -> tuple[int, int, str] | None:
    """Where the assignment fits: line from 0, column in bytes, and text; `None` where there is no place."""
    has_docstring = ast.get_docstring(function, clean=False) is not None
    for statement in statements(function):
        if not (has_docstring and statement is function.body[0]):
            return statement.lineno - 1, statement.col_offset, f"{ADDED}; "
    if has_docstring and len(function.body) == 1:
        end = function.body[0]
        return (end.end_lineno or 0) - 1, end.end_col_offset or 0, f"; {ADDED}"
    return None


def identity(root: Path, file: Path) -> Identity | None:
    """The diff of one file below a root; `None` where it has no functions."""
    source = file.read_bytes().decode()
    functions = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    places = [found for found in map(place, functions) if found]
    if not places:
        return None
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    for line, column, text in sorted(places, reverse=True):
        lines[line] = lines[line][:column] + text.encode() + lines[line][column:]
    changed = b"".join(lines).decode()
    ast.parse(changed)
    name = str(file.relative_to(root))
    return Identity(name, git_diff(name, source, changed), len(places), len(functions))


def identities(root: Path, packages: str) -> list[Identity]:
    """The diffs of all files of some packages, without their tests (diffs of these are passed over)."""
    found = []
    for package in packages.split(","):
        files = sorted((root / package).rglob("*.py")) or [root / f"{package}.py"]
        found += [identity(root, file) for file in files if not TESTS & {*file.relative_to(root).parts}]
    return [one for one in found if one]
