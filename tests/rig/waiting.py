"""Waits for a condition with a deadline, and shows the last value seen when it does not come."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

Value = TypeVar("Value")
PAUSE = 0.01


def until(
    read: Callable[[], Value],
    wanted: Callable[[Value], bool] = bool,
    seconds: float = 10.0,
    what: str = "the condition",
) -> Value:
    """Poll `read` until `wanted` accepts its value, and return that value."""
    deadline = time.monotonic() + seconds
    while True:
        value = read()
        if wanted(value):
            return value
        if time.monotonic() > deadline:
            message = f"{what} did not come within {seconds} s; last seen: {value!r}"
            raise AssertionError(message)
        time.sleep(PAUSE)


def until_equal(read: Callable[[], object], expected: object, seconds: float = 10.0) -> None:
    """Poll `read` until it returns `expected`."""
    until(read, lambda value: value == expected, seconds, f"{expected!r}")


def stays(read: Callable[[], object], expected: object, seconds: float = 0.3) -> None:
    """Check that `read` goes on returning `expected` for a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = read()
        assert value == expected, f"changed from {expected!r} to {value!r}"
        time.sleep(PAUSE)
