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

ADDRESSED = ("edit-mismatch", "target-not-found", "unsupported-change", "verify-failed")


def collections(name: str, interpreter: Interpreter) -> list[Case]:
    path = edit_cases.OWN if name == "own" else shared.find("edits") / "cases.json"
    return edit_cases.read(path, interpreter)


def importing(start: Starter, home: Home, cases: list[Case]) -> Application:
    app = start()
    app.exec(edit_cases.EVALUATE)
    app.exec("import " + ", ".join(case.module for case in cases))
    home.wait_linked(app.pid)
    return app


def live(case: Case, home: Home, app: Application, path: Path) -> list[str]:
    """Add, check, remove, check; returns what is wrong."""
    wrong = case.differences(app, "before")
    changed = home.add(path, code=None)
    state, reason = changed.state(app.pid), changed.reason(app.pid)
    if case.refused:
        if reason not in ADDRESSED:
            wrong.append(f"{case.name}: not refused, but {state} ({reason})")
    elif state != "active":
        wrong.append(f"{case.name}: {changed.outcome(app.pid)['refusal']}")
    else:
        wrong += case.differences(app, "after")
        wrong += [] if home.state(app.pid, case.module) == "active" else [f"{case.name}: not in the audit"]
    home.remove(case.module)
    return wrong + case.differences(app, "before")


@pytest.mark.every_python
@pytest.mark.parametrize("collection", ["own", "shared"])
def test_live(
    home: Home, start: Starter, package: Package, folder: Path, interpreter: Interpreter, collection: str
) -> None:
    cases = collections(collection, interpreter)
    for case in cases:
        case.write_module(package.folder)
    home.start()
    app = importing(start, home, cases)
    wrong = []
    for case in cases:
        wrong += live(case, home, app, case.write_patch(folder))
    assert wrong == []


@pytest.mark.every_python
@pytest.mark.parametrize("collection", ["own", "shared"])
def test_before_the_import(
    home: Home, start: Starter, package: Package, folder: Path, interpreter: Interpreter, collection: str
) -> None:
    cases = [case for case in collections(collection, interpreter) if not case.refused]
    for case in cases:
        case.write_module(package.folder)
    home.start()
    home.add(*[case.write_patch(folder) for case in cases])
    app = importing(start, home, cases)
    wrong = []
    for case in cases:
        wrong += case.differences(app, "after")
    home.remove(*[case.module for case in cases])
    for case in cases:
        wrong += case.differences(app, "before")
    assert wrong == []
