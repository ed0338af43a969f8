"""Edit patches: every operation, on functions that run and on modules before they are imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.rig import edit_cases, shared
from tests.rig.application import Application
from tests.rig.edit_cases import Case
from tests.rig.home import Home
from tests.rig.interpreters import Interpreter
from tests.rig.package import Package

REFUSED = ("edit-mismatch", "target-not-found", "unsupported-change", "verify-failed")


@pytest.fixture(params=["own", "shared"])
def cases(
    request: pytest.FixtureRequest, package: Package, folder: Path, interpreter: Interpreter
) -> list[Case]:
    """The cases of a collection; their modules can be imported, their patches are written."""
    own = request.param == "own"
    found = edit_cases.read(edit_cases.OWN if own else shared.find("edits") / "cases.json", interpreter)
    for case in found:
        case.write_module(package.folder)
        case.write_patch(folder)
    return found


def importing(start: Starter, home: Home, cases: list[Case]) -> Application:
    app = start()
    app.exec(edit_cases.EVALUATE)
    app.exec("import " + ", ".join(case.module for case in cases))
    home.wait_linked(app.pid)
    return app


def live(case: Case, home: Home, app: Application) -> list[str]:
    """Add, check, remove, check; returns what is wrong."""
    wrong = case.differences(app, "before")
    changed = home.add(case.patch, code=None)
    state, reason = changed.state(app.pid), changed.reason(app.pid)
    if case.refused:
        wrong += [] if reason in REFUSED else [f"{case.name}: not refused, but {state} ({reason})"]
    elif state != "active":
        wrong.append(f"{case.name}: {changed.outcome(app.pid)['refusal']}")
    else:
        wrong += case.differences(app, "after")
        wrong += [] if home.state(app.pid, case.module) == "active" else [f"{case.name}: not in the audit"]
    home.remove(case.module)
    return wrong + case.differences(app, "before")


@pytest.mark.every_python
def test_live(home: Home, start: Starter, cases: list[Case]) -> None:
    home.start()
    app = importing(start, home, cases)
    wrong = []
    for case in cases:
        wrong += live(case, home, app)
    assert wrong == []


@pytest.mark.every_python
def test_before_the_import(home: Home, start: Starter, cases: list[Case]) -> None:
    cases = [case for case in cases if not case.refused]
    home.start()
    home.add(*[case.patch for case in cases])
    app = importing(start, home, cases)
    wrong = []
    for case in cases:
        wrong += case.differences(app, "after")
    home.remove(*[case.module for case in cases])
    for case in cases:
        wrong += case.differences(app, "before")
    assert wrong == []
