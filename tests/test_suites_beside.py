"""Other people's test suites beside us: the same without patches, and while patches come and go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rig import figures, shared
from tests.rig.environment import bare
from tests.rig.home import Home
from tests.rig.identity import Identity, identities
from tests.rig.interpreters import Interpreter
from tests.rig.suites import SUITES, Prepared, Suite
from tests.rig.waiting import until

pytestmark = [pytest.mark.slow, *([pytest.mark.every_python] if shared.ALL else [])]
# One package by default; all of them, on every interpreter, with `PATCHCTL_ALL=1`.
ROUNDS = figures.rounds(5, 20)
"""How often patches are put into a running suite and taken out; a short suite is run again for it."""
MOST_RUNS = figures.rounds(4, 40)
CHOSEN = [suite for suite in SUITES if shared.ALL or suite.name == "itsdangerous"]


class Changing(threading.Thread):
    """Takes all patches out and puts them in again, until told to stop; notes what was put in."""

    def __init__(self, home: Home, ids: list[str]) -> None:
        """Take what is to be changed."""
        super().__init__()
        self.home, self.ids = home, ids
        self.ended = threading.Event()
        self.rounds = 0
        self.most: dict[str, int] = {}
        self.refusals: dict[str, str] = {}
        self.problem: BaseException | None = None

    def run(self) -> None:
        """Change and note."""
        try:
            while not self.ended.is_set():
                self.home.json("disable", *self.ids, code=None)
                if self.note(self.home.json("enable", *self.ids, code=None)):
                    self.rounds += 1
        except BaseException as problem:
            self.problem = problem

    def note(self, document: Any) -> bool:
        """Note how many functions of which patch were changed, and what was refused; whether any was."""
        active = [one for one in document["processes"] if one["state"] in {"active", "draining"}]
        for one in document["processes"]:
            if one in active:
                name = one["patch"]["id"]
                self.most[name] = max(self.most.get(name, 0), one["functions"])
            elif one["refusal"]:
                self.refusals[one["patch"]["id"]] = one["refusal"]["detail"]
        return bool(active)


@pytest.fixture
def prepared(suite: Suite, interpreter: Interpreter, folder: Path) -> Prepared:
    """The suite in an environment of its own."""
    return Prepared(suite, bare(folder / "environment", interpreter, with_pip=True), folder)


@pytest.fixture
def home(prepared: Prepared) -> Iterator[Home]:
    """A daemon's folder, served by the suite's environment."""
    one = Home(prepared.environment)
    yield one
    one.close()


def differences(before: Any, after: Any) -> dict[str, Any]:
    """Tests with other outcomes."""
    names = {*before["outcomes"], *after["outcomes"]}
    both = {name: (before["outcomes"].get(name), after["outcomes"].get(name)) for name in names}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def unexplained(suite: Suite, before: Any, after: Any) -> dict[str, Any]:
    """Tests with other outcomes, and their failures; without those that can't but see the patches."""
    return {
        name: (pair, after["failures"].get(name))
        for name, pair in differences(before, after).items()
        if pair != ("passed", "failed") or not suite.sees(name, after["failures"][name])
    }


def put_in(home: Home, folder: Path, packages: str) -> dict[str, Identity]:
    """Put the patches of all files into the folder of patches; by their names."""
    patches = {f"p{number}": one for number, one in enumerate(identities(folder, packages))}
    for name, patch in patches.items():
        (home.patches / f"{name}.diff").write_text(patch.text)
    until(
        lambda: {one["id"] for one in home.json("list")["patches"] if not one["broken"]},
        lambda seen: seen == {*patches},
        60,
        "all patches",
    )
    return patches


@pytest.mark.parametrize("suite", CHOSEN, ids=lambda suite: suite.name)
def test_suite_beside_us(suite: Suite, prepared: Prepared, home: Home, wheel_path: Path) -> None:
    without = prepared.run({})
    passed = [name for name, outcome in without["outcomes"].items() if outcome == "passed"]
    assert len(passed) > 50, without
    prepared.environment.install(str(wheel_path))
    home.start()
    assert differences(without, prepared.run(home.variables)) == {}
    patches = put_in(home, prepared.environment.site_packages, suite.packages)
    changing = Changing(home, [*patches])
    changing.start()
    runs = 0
    try:
        while changing.rounds < ROUNDS and runs < MOST_RUNS:
            assert unexplained(suite, without, prepared.run(home.variables)) == {}
            runs += 1
    finally:
        changing.ended.set()
        changing.join()
    assert changing.problem is None, changing.problem
    reached = {*changing.most, *changing.refusals}
    functions = sum(patches[name].functions for name in reached)
    patched = sum(changing.most.values())
    assert patched > 0.5 * functions, changing.refusals
    figures.total(figures.Kind.SUITES)
    figures.total(figures.Kind.SUITE_TESTS, len(passed))
    figures.total(figures.Kind.SUITE_FUNCTIONS, functions)
    figures.total(figures.Kind.PATCHED_FUNCTIONS, patched)
    figures.total(figures.Kind.ROUNDS, changing.rounds)
    figures.tell(
        f"suite of {suite.name}, {len(passed)} tests: the same beside us, and in {runs} runs while patches "
        f"were put in and taken out {changing.rounds} times; {patched} of {functions} functions patched"
    )
    for name, detail in sorted(changing.refusals.items()):
        if name not in changing.most:
            figures.tell(f"suite of {suite.name}: {patches[name].name} was refused: {detail}")
