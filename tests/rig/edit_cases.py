"""Cases of edits in the neutral form: the module of each, its patch, and its checks in an application."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.rig.application import Application
from tests.rig.interpreters import Interpreter
from tests.rig.wheel import ROOT

ADAPTER = ROOT / "tests" / "adapters" / "edit"
OWN = ROOT / "tests" / "edits" / "cases.json"

# Evaluates a case's expression in its module: tuples are lists, exceptions are told by their type.
EVALUATE = """
import importlib, json, sys

def run(coroutine):
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value

def plain(value):
    return [plain(one) for one in value] if isinstance(value, (tuple, list)) else value

def outcome(expression, module):
    space = vars(importlib.import_module(module))
    try:
        return plain(eval(expression, space, {"run": run}))
    except Exception as error:
        return ["raises", type(error).__name__]

def differences(checks, module, which, rounds):
    found = []
    for check in checks:
        for number in range(rounds):
            got = outcome(check["expr"], module)
            if got != check[which] or type(got) is not type(check[which]):
                found.append("%s (%d): %r instead of %r" % (check["expr"], number, got, check[which]))
                break
    return found

def traced(checks, module, which):
    sys.settrace(lambda *arguments: lambda *arguments: None)
    try:
        return differences(checks, module, which, 1)
    finally:
        sys.settrace(None)
"""


class Case:
    """One case, with a module of its own."""

    def __init__(self, content: dict[str, Any], number: int) -> None:
        """Take the case."""
        self.content = content
        self.name: str = content["id"]
        self.module = f"edited_{number:02}"
        self.refused = bool(content.get("must_raise"))
        self.patch = Path()

    def fits(self, interpreter: Interpreter) -> bool:
        """Whether it is meant for this version of Python."""
        least = str(self.content.get("min_version") or "3.9").split(".")
        return interpreter.version >= (int(least[0]), int(least[1]))

    def write_module(self, folder: Path) -> None:
        """Write its source as a module."""
        (folder / f"{self.module}.py").write_text(self.content["source"], encoding="utf-8")

    def write_patch(self, folder: Path) -> None:
        """Write its patch, as the adapter prints it."""
        given = folder / f"{self.module}.json"
        given.write_text(json.dumps(self.content), encoding="utf-8")
        command = [sys.executable, str(ADAPTER), str(given), self.module]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        self.patch = folder / f"{self.module}.toml"
        self.patch.write_text(printed, encoding="utf-8")

    def differences(self, app: Application, which: str) -> list[str]:
        """What its checks find otherwise than they should, specialised and traced."""
        checks = json.dumps(self.content["checks"])
        words = f"json.loads({checks!r}), {self.module!r}, {which!r}"
        found = app.eval(f"differences({words}, 40) + traced({words})")
        return [f"{self.name} {which}: {one}" for one in found]


def read(path: Path, interpreter: Interpreter) -> list[Case]:
    """Read the cases of a collection that are meant for this version of Python."""
    contents = json.loads(path.read_text(encoding="utf-8"))["cases"]
    cases = [Case(content, number) for number, content in enumerate(contents)]
    return [case for case in cases if case.fits(interpreter)]
