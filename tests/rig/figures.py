"""Figures that tests leave: printed at the end of the run, quoted by the README."""

from __future__ import annotations

import os

LONG = os.environ.get("PATCHCTL_LONG") == "1"
"""Whether the long form runs: many rounds instead of a few."""

FIGURES: list[str] = []


def rounds(few: int, many: int) -> int:
    """How many rounds: few, or many in the long form."""
    return many if LONG else few


def tell(text: str) -> None:
    """Have a figure printed at the end."""
    FIGURES.append(text)
