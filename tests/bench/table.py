"""Rows of the result table, and the statistics behind them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Row:
    """One measurement: what, what was found, and what is to be reached."""

    what: str
    found: str
    goal: str


def milliseconds(seconds: float) -> str:
    """A time for people."""
    return f"{seconds * 1000:.2f} ms"


def median_pair(
    one: Callable[[], float], other: Callable[[], float], rounds: int
) -> tuple[float, float, float]:
    """Medians of both, and the median of the ratios within each pair; the order alternates."""
    first, second, ratios = [], [], []
    for number in range(rounds):
        if number % 2:
            b, a = other(), one()
        else:
            a, b = one(), other()
        first.append(a)
        second.append(b)
        ratios.append(a / b)
    return statistics.median(first), statistics.median(second), statistics.median(ratios)


def ratio(what: str, pair: tuple[float, float, float], goal: str) -> Row:
    """Row of a comparison."""
    a, b, factor = pair
    return Row(what, f"{factor:.3f} x ({milliseconds(a)} over {milliseconds(b)})", goal)


def show(rows: list[Row]) -> str:
    """Render the rows as a table that Markdown reads, too."""
    lines = ["| what | measured | to reach |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {row.what} | {row.found} | {row.goal} |" for row in rows)])
