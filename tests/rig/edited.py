"""The module that tests of edits edit, and edits of it in an application."""

from __future__ import annotations

from pathlib import Path

from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import Package

SAMPLE = """\
import contextlib
import functools

LIMIT = 10
RATE = 2
LATE = [LIMIT * 100]


def wadd(x, y=1):
    pow_n = 3
    result = (x + y) ** pow_n
    return abs(result)


def twice(a, b):
    return (a - b) * (a - b)


def over(v, *, limit=LIMIT):
    return v > limit


def rate(a):
    return a * RATE


def maker(n):
    def inner(a):
        return a + n
    return inner


def loop(items):
    for item in items:
        yield item + 1


def kept(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper


@kept
def wrapped(a):
    return a + 5


@contextlib.contextmanager
def context(a):
    yield a + 7


shorter = lambda a: a + 3


class Thing:
    size = 4
    __hidden = 20

    def plain(self, a):
        return a + self.size

    @classmethod
    def of_class(cls, a):
        return a + cls.size

    @staticmethod
    def static(a):
        return a + 1

    @property
    def value(self):
        return self.size + 1

    async def later(self, a):
        return a + 1


REGISTRY = {"wadd": wadd}
CLOSURES = [maker(1), maker(2)]
"""


class Site:
    """The sample module in an application, and edits of it."""

    def __init__(self, home: Home, app: Application, folder: Path) -> None:
        """Take what the test has."""
        self.home, self.app, self.folder = home, app, folder

    def add(self, name: str, text: str, code: int | None = 0) -> tuple[str | None, str | None, str]:
        """Add a patch file; its state, reason and detail in the application."""
        path = self.folder / name
        path.write_text(text)
        outcome = self.home.add(path, code=code).outcome(self.app.pid)
        refusal = outcome["refusal"] or {}
        return outcome["state"], refusal.get("reason"), refusal.get("detail", "")

    def edit(self, function: str, *operations: str, name: str = "fix") -> tuple[str | None, str | None, str]:
        """Add edits of one function."""
        return self.add(f"{name}.toml", edits(function, *operations), code=None)

    def eval(self, expression: str) -> object:
        """Evaluate in the sample module."""
        return self.app.eval(f"eval({expression!r}, vars(edited))")


def edits(function: str, *operations: str) -> str:
    """Text of a patch file with edits of one function of the sample."""
    parts = [f"[[edit]]\n{operation}\n" for operation in operations]
    return f'module = "edited"\nfunction = "{function}"\n' + "".join(parts)


def write_sample(package: Package) -> None:
    """Write the sample module where applications import it from."""
    package.files["edited.py"] = SAMPLE
    (package.folder / "edited.py").write_text(SAMPLE)
