"""Kinds of patch, through the collection's own harness and `tests/adapters/case`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rig import shared
from tests.rig.environment import plain_variables
from tests.rig.home import Home
from tests.rig.wheel import ROOT

FEW = (
    "all_or_nothing",
    "argument_added",
    "classmethod",
    "closure_made_before",
    "module_state",
    "new_helper_added",
    "two_names",
    "wrong_version",
)


@pytest.mark.shared
@pytest.mark.every_python
def test_kinds_of_patch(home: Home, folder: Path) -> None:
    collection = shared.find("cases")
    home.start()
    adapter = ROOT / "tests" / "adapters" / "case"
    python = str(home.environment.python)
    out = folder / "results.json"
    command = [sys.executable, str(collection / "matrix.py"), "run", "-v", "--tools", "external"]
    command += ["--python", python, "--out", str(out)]
    if not shared.ALL:
        command += ["--cases", ",".join(FEW)]
    variables = {
        **plain_variables(),
        **home.variables,
        "MATRIX_EXT_PYTHON": python,
        "MATRIX_EXT_APPLY": f"{sys.executable} {adapter} add {{case}} {{pid}}",
        "MATRIX_EXT_UNDO": f"{sys.executable} {adapter} remove {{case}} {{pid}}",
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    assert out.exists(), done.stdout + done.stderr
    results = {row["case"]: row["status"] for row in json.loads(out.read_text())["results"]}
    assert results
    bad = {name: status for name, status in results.items() if status not in {"pass", "n/a"}}
    assert bad == {}, done.stdout
