"""What the benchmarks run on: environments with and without the hook, homes, applications."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.rig import interpreters, wheel
from tests.rig.application import Application
from tests.rig.environment import Environment, bare, plain_variables, with_wheel
from tests.rig.home import Home
from tests.rig.package import Package


@dataclass
class Stage:
    """Everything that one run of the benchmarks needs; closed in reverse order."""

    interpreter: interpreters.Interpreter
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self) -> None:
        """Make the environments."""
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="pb-", dir="/tmp")))
        self.hooked = with_wheel(self.interpreter, wheel.locate())
        self.plain = bare(self.folder / "plain", self.interpreter)
        self.trivial = bare(self.folder / "trivial", self.interpreter)
        (self.trivial.site_packages / "trivial.pth").write_text("import sys\n")
        self.empty = bare(self.folder / "empty", self.interpreter)
        (self.empty.site_packages / "empty").mkdir()
        (self.empty.site_packages / "empty" / "__init__.py").touch()
        (self.empty.site_packages / "empty.pth").write_text("import empty\n")
        self.packages = 0

    def home(self, *, started: bool = True) -> Home:
        """Make a home, with its daemon running or not."""
        home = Home(self.hooked)
        self.stack.callback(home.close)
        if started:
            home.start()
        return home

    def package(self) -> Package:
        """Make a sample package in a folder of its own."""
        self.packages += 1
        return Package(self.folder / f"package-{self.packages}" / "site")

    def application(
        self, environment: Environment, package: Package, home: Home | None, **more: Any
    ) -> Application:
        """Start an application that can import the package."""
        variables = {"PYTHONPATH": str(package.folder), **(home.variables if home else {})}
        errors = self.folder / "errors"
        one = Application(environment, variables, errors=errors, **more)
        self.stack.callback(one.close)
        return one

    def seconds(self, environment: Environment, code: str, variables: dict[str, str]) -> float:
        """Time that a fresh interpreter takes for some code."""
        command = [str(environment.python), "-c", code]
        everything = {**plain_variables(), **variables}
        begin = time.perf_counter()
        subprocess.run(command, env=everything, check=True, stdin=subprocess.DEVNULL)
        return time.perf_counter() - begin

    def printed(self, environment: Environment, code: str, variables: dict[str, str]) -> float:
        """The number that a fresh interpreter prints."""
        command = [str(environment.python), "-c", code]
        everything = {**plain_variables(), **variables}
        done = subprocess.run(command, env=everything, check=True, capture_output=True, text=True)
        return float(done.stdout)
