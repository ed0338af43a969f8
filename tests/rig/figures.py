"""Figures that a run leaves, printed at its end: totals by kind, and lines that tests tell."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from enum import Enum

LONG = os.environ.get("PATCHCTL_LONG") == "1"
"""Whether the long form runs: many rounds instead of a few."""


class Kind(Enum):
    """What is counted over the whole run; the value is how the summary names it."""

    FAULTS = "faults brought about in daemons, processes and the machine"
    ROUNDS = "rounds of putting patches in and taking them out"
    INPUTS = "odd files, names, messages, command lines and code objects tried"
    CONNECTIONS = "connections that vanished half-way"
    ATTACHED = "attaches to running processes"
    DAEMONS = "daemons"
    PROCESSES = "processes beside the daemons"
    COMMANDS = "commands of patchctl"
    SUITES = "suites of other projects with equal results"
    SUITE_TESTS = "tests of these suites"
    SUITE_FUNCTIONS = "functions of these suites' packages"
    PATCHED_FUNCTIONS = "of them patched while the suites ran"


_TOTALS: Counter[Kind] = Counter()
_LINES: list[str] = []


def rounds(few: int, many: int) -> int:
    """How many rounds: few, or many in the long form."""
    return many if LONG else few


def total(kind: Kind, number: int = 1) -> None:
    """Add to the total of a kind."""
    _TOTALS[kind] += number


def tell(text: str) -> None:
    """Have a figure printed at the end."""
    _LINES.append(text)


def summary() -> Iterator[str]:
    """The block at the end of a run: the totals, then what tests told."""
    if not _TOTALS and not _LINES:
        return
    yield f"{'long' if LONG else 'quick'} form, in total:"
    for kind in Kind:
        if _TOTALS[kind]:
            yield f"{_TOTALS[kind]:>12,}  {kind.value}{_share(kind)}"
    if _LINES:
        yield "one by one:"
    for line in _LINES:
        yield f"  {line}"


def _share(kind: Kind) -> str:
    whole = _TOTALS[Kind.SUITE_FUNCTIONS]
    if kind is not Kind.PATCHED_FUNCTIONS or not whole:
        return ""
    return f" ({_TOTALS[kind] / whole:.0%})"
