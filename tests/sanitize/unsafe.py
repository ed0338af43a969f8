"""Lists every `unsafe` of the Rust sources with its reason: the `// SAFETY:` or `# Safety` above it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.rig.wheel import ROOT

USED = re.compile(r'\bunsafe\s*(\{|impl\b|(extern "C"\s*)?(\{|fn \w))|\bunsafe\(')
"""Blocks, implementations, foreign items and functions; a function's type promises nothing by itself."""
MARK = re.compile("SAFETY:|# Safety")
OUTSIDE = {"target", "build", ".git"}


@dataclass(frozen=True)
class Unsafe:
    """One place; the reason is empty where none is given."""

    path: str
    line: int
    code: str
    reason: str


def places(root: Path = ROOT) -> Iterator[Unsafe]:
    """Every place, in order."""
    for path in sorted(root.rglob("*.rs")):
        name = path.relative_to(root)
        if OUTSIDE.isdisjoint(name.parts):
            lines = path.read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines):
                if USED.search(line.split("//")[0]):
                    yield Unsafe(str(name), number + 1, line.strip(), reason(lines, number))


def reason(lines: list[str], number: int) -> str:
    """The comment above a line, from its mark on; the statement may have begun some lines earlier."""
    for begin in range(number - 1, max(number - 6, -1), -1):
        if lines[begin].strip().startswith("//"):
            return comment(lines, begin)
    return ""


def comment(lines: list[str], end: int) -> str:
    """The text of a block of comment lines that ends there, from its mark on."""
    begin = end
    while begin > 0 and lines[begin - 1].strip().startswith("//"):
        begin -= 1
    text = " ".join(line.strip().lstrip("/").strip() for line in lines[begin : end + 1])
    return MARK.split(text, maxsplit=1)[-1].strip() if MARK.search(text) else ""
