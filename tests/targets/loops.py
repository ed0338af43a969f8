"""Three sorts of calls in loops of their own: each has its call site, which the interpreter specialises."""

from __future__ import annotations

import time


class Price:
    """What a method and a getter belong to."""

    def __init__(self) -> None:
        """Set the amount."""
        self.amount = 1

    def net(self, _: int) -> int:
        """Return the amount."""
        return self.amount

    @property
    def half(self) -> int:
        """The amount."""
        return self.amount


def net(one: int) -> int:
    """Return the argument."""
    return one


class Bench:
    """The loops."""

    price = Price()

    def function(self, n: int) -> None:
        """Call a function."""
        for _ in range(n):
            net(1)

    def method(self, n: int) -> None:
        """Call a method."""
        price = self.price
        for _ in range(n):
            price.net(1)

    def getter(self, n: int) -> None:
        """Read a property."""
        price = self.price
        for _ in range(n):
            price.half  # noqa: B018

    def seconds(self, name: str, n: int = 200_000) -> float:
        """Seconds per call, in the best of five rounds."""
        loop, best = getattr(self, name), 1e9
        for _ in range(5):
            begin = time.perf_counter()
            loop(n)
            best = min(best, time.perf_counter() - begin)
        return best / n
