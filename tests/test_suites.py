"""Other people's test suites give the same results when every function of the package is written anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig import codeobjects, shared
from tests.rig.environment import bare
from tests.rig.interpreters import Interpreter
from tests.rig.suites import SUITES, Prepared, Suite

EVERYWHERE = [pytest.mark.every_python] if shared.ALL else []
pytestmark = [pytest.mark.slow, *EVERYWHERE]
# One package by default; all of them, on every interpreter, with `PATCHCTL_ALL=1`.
CHOSEN = [suite for suite in SUITES if shared.ALL or suite.name == "markupsafe"]


@pytest.mark.parametrize("suite", CHOSEN, ids=lambda suite: suite.name)
def test_suite_gives_the_same(suite: Suite, interpreter: Interpreter, folder: Path) -> None:
    stream = codeobjects.program()
    environment = bare(folder / "environment", interpreter, with_pip=True)
    prepared = Prepared(suite, environment, folder)
    before, after = prepared.run({}), prepared.run({"REWRITING_PROGRAM": str(stream)})
    passed = [name for name, outcome in before["outcomes"].items() if outcome == "passed"]
    assert len(passed) > 50, before
    assert after["rewritten"]["modules"] + after["rewritten"]["functions"] > 2
    changed = {
        name: (before["outcomes"].get(name), after["outcomes"].get(name))
        for name in {*before["outcomes"], *after["outcomes"]}
        if before["outcomes"].get(name) != after["outcomes"].get(name)
    }
    assert changed == {}
