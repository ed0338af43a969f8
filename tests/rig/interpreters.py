"""Finds the Python interpreters that the tests run on.

`PATCHCTL_PYTHONS` (paths, separated by `:`) names them outright. Else those under `~/.pyenv/versions`,
under `PATCHCTL_PYTHONS_DIR` (`~/pythons`) and on `PATH` are taken, the newest release of each version.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

WANTED = ((3, 9), (3, 10), (3, 11), (3, 12), (3, 13), (3, 14), (3, 15))
PROBE = (
    "import sys; print('%d.%d.%d' % sys.version_info[:3], sys.implementation.name, int('t' in sys.abiflags))"
)


@dataclass(frozen=True, order=True)
class Interpreter:
    """A Python that can be started: its release, and the path of its program."""

    release: tuple[int, ...]
    path: str
    free_threaded: bool = False

    @property
    def version(self) -> tuple[int, int]:
        """The release's first two numbers."""
        return self.release[0], self.release[1]

    @property
    def name(self) -> str:
        """Such as `3.11`."""
        return "{}.{}".format(*self.version)


def probe(path: Path | str) -> Interpreter | None:
    """Ask a program which Python it is; `None` for none, and PyPy."""
    try:
        done = subprocess.run(
            [str(path), "-I", "-c", PROBE], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = done.stdout.split()
    if done.returncode or len(words) != 3 or words[1] != "cpython":
        return None
    return Interpreter(tuple(int(number) for number in words[0].split(".")), str(path), words[2] == "1")


def folder_of_pythons() -> Path:
    """The folder with more interpreters."""
    return Path(os.environ.get("PATCHCTL_PYTHONS_DIR", "~/pythons")).expanduser()


def candidates() -> list[Path]:
    """Paths that may be interpreters, best first."""
    named = os.environ.get("PATCHCTL_PYTHONS")
    if named:
        return [Path(path) for path in named.split(":") if path]
    found = sorted(Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python"))
    found += sorted(folder_of_pythons().glob("*/bin/python3"))
    for major, minor in WANTED:
        program = shutil.which(f"python{major}.{minor}")
        if program and "/shims/" not in program:
            found.append(Path(program))
    return [*found, Path(getattr(sys, "_base_executable", sys.executable))]


def find() -> list[Interpreter]:
    """The newest release of each version, oldest version first."""
    newest: dict[tuple[int, int], Interpreter] = {}
    for path in candidates():
        found = probe(path)
        if found is None or found.free_threaded or found.version not in WANTED:
            continue
        known = newest.get(found.version)
        if known is None or found.release > known.release:
            newest[found.version] = found
    return [newest[version] for version in sorted(newest)]


def free_threaded() -> Interpreter | None:
    """The newest free-threaded build."""
    found = [one for one in map(probe, sorted(folder_of_pythons().glob("*/bin/python3"))) if one]
    return max((one for one in found if one.free_threaded), default=None)


def missing(found: list[Interpreter]) -> list[str]:
    """The versions that the product supports and this machine lacks."""
    present = {interpreter.version for interpreter in found}
    return ["{}.{}".format(*version) for version in WANTED if version not in present]


def default(found: list[Interpreter]) -> Interpreter:
    """The interpreter of the tests that need only one: 3.11, else the newest."""
    for interpreter in found:
        if interpreter.version == (3, 11):
            return interpreter
    return found[-1]
