"""Test suites of other people's packages: what they need, where their tests stand, and how to run them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rig import registry
from tests.rig.environment import Environment, plain_variables
from tests.rig.wheel import ROOT

PLUGIN = ROOT / "tests" / "targets"
CONFIGURATION = ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "conftest.py", "README.md", "docs")

SECONDS = 1200
"""Longest that one run may take."""


@dataclass(frozen=True)
class Seen:
    """A test that sees patches come and go, and how its failure looks then."""

    test: str
    """Its name, or the beginning of it up to the parameters."""
    failure: str
    """What is found in its failure: a regular expression."""


@dataclass(frozen=True)
class Suite:
    """A package with tests."""

    name: str
    packages: str
    """Top-level names, separated by commas."""
    tests: str = "tests"
    """Folder in the source distribution; or, with a leading `:`, a module that holds its own tests."""
    needs: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    """Tests that are passed over: what takes many minutes."""
    seeing: tuple[Seen, ...] = ()
    """Tests that can't but see patches come and go."""

    def sees(self, name: str, failure: str) -> bool:
        """Whether this is how a test fails that sees patches come and go."""
        function = name.partition("[")[0]
        return any(function == one.test and re.search(one.failure, failure, re.DOTALL) for one in self.seeing)


# Jinja keeps the code objects of its own functions in a set, from when they were decorated, and leaves their
# frames out of tracebacks. It does not know the code that a function gets later, nor the original if it was
# imported with the patch: the frame of `Context.call` is shown, and the test wants it hidden.
CODE_KEPT_BY_JINJA = Seen(
    "tests/test_debug.py::TestDebug::test_runtime_error",
    r"broken\.html\S* line 2,.*runtime\.py\S* line \d+, in call",
)
# It counts the objects of the whole process 20 times, and allows for two counts. There are three: without a
# patch, with it, and while it is prepared. `test_sequences.py` holds that there are no more of them.
COUNTS_OF_MARKUPSAFE = Seen(
    "tests/test_leak.py::test_markup_leaks", r"assert [3-6] < 3\n.*where [3-6] = len\(\{"
)
LONG_OF_PACKAGING = (
    "tests/property",
    "tests/test_ranges.py",
    "tests/test_specifiers.py",
    "tests/test_version.py",
)
SUITES = (
    Suite("cachetools", "cachetools"),
    Suite("attrs", "attr,attrs", needs=("hypothesis", "cloudpickle", "pympler")),
    Suite("click", "click"),
    Suite("itsdangerous", "itsdangerous", needs=("freezegun",)),
    Suite("jinja2", "jinja2", needs=("trio",), seeing=(CODE_KEPT_BY_JINJA,)),
    Suite("markupsafe", "markupsafe", seeing=(COUNTS_OF_MARKUPSAFE,)),
    Suite("more-itertools", "more_itertools"),
    Suite("networkx", "networkx", ":networkx"),
    Suite("packaging", "packaging", needs=("pretend", "tomli_w"), ignored=LONG_OF_PACKAGING),
    Suite("pluggy", "pluggy", "testing"),
    Suite("sympy", "sympy", ":sympy.core", needs=("hypothesis",)),
    Suite("toolz", "toolz", ":toolz"),
    Suite("tomlkit", "tomlkit", needs=("pyyaml",)),
)


class Prepared:
    """A suite that is ready to be run in an environment of its own."""

    def __init__(self, suite: Suite, environment: Environment, folder: Path) -> None:
        """Fetch the package and its tests."""
        self.suite, self.environment = suite, environment
        self.folder = folder / suite.name
        self.folder.mkdir()
        self.arguments = ["--pyargs", suite.tests[1:]] if suite.tests[0] == ":" else [suite.tests]
        self.arguments += [f"--ignore={name}" for name in suite.ignored]
        requirements: list[str | Path] = ["pytest", *suite.needs]
        if suite.tests[0] == ":":
            requirements.append(suite.name)
        else:
            source = registry.source(environment, folder / "sources", suite.name)
            self.unpack(source)
            requirements.append(source)
        registry.install_into(environment, *map(str, requirements))

    def unpack(self, source: Path) -> None:
        """Take the tests and what configures them, but not the package itself."""
        whole = self.folder.parent / f"{self.suite.name}-whole"
        with tarfile.open(source) as archive:
            archive.extractall(whole, filter="data")
        (unpacked,) = whole.iterdir()
        for name in (self.suite.tests, *CONFIGURATION):
            found = unpacked / name
            if found.is_dir():
                shutil.copytree(found, self.folder / name)
            elif found.exists():
                shutil.copy(found, self.folder / name)

    def run(self, more: dict[str, str]) -> Any:
        """Run it with more variables, such as those of `targets/rewriting.py`; every test's outcome."""
        outcomes = self.folder.parent / f"{self.suite.name}.json"
        outcomes.unlink(missing_ok=True)
        variables = {
            **plain_variables(),
            "PYTHONPATH": str(PLUGIN),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "REWRITING_OUTCOMES": str(outcomes),
            "REWRITING_PACKAGES": self.suite.packages,
            **more,
        }
        command = [str(self.environment.program("pytest")), "-q", "-p", "no:cacheprovider", "-p", "rewriting"]
        done = subprocess.run(
            [*command, *self.arguments],
            cwd=self.folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcomes.exists(), (
            f"{self.suite.name} did not run:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        )
        return json.loads(outcomes.read_text())
