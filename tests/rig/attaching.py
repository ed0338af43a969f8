"""Attaching to a process, by the command line."""

from __future__ import annotations

from typing import Any

from tests.rig.home import Home


def attach(home: Home, *arguments: object, code: int | None = 0) -> dict[str, Any]:
    """Attach to one process, and return its row."""
    document = home.json("attach", *arguments, code=code)
    (row,) = document["processes"]
    return dict(row)


def refused(home: Home, pid: int, reason: str, code: int, *options: object) -> str:
    """Attach to a process that must be refused; returns the message with its hints."""
    row = attach(home, pid, *options, code=code)
    assert (row["outcome"], row["reason"]) == ("refused", reason), row
    return " ".join([row["message"], *row["hints"]])
