"""Real upstream fixes of popular packages, through the collection's own harness and `tests/adapters/cve`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rig import shared
from tests.rig.wheel import ROOT, store

FEW = ("CVE-2023-32681", "CVE-2024-49767", "BUG-click-abort-cause")


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("idle", ["select", "block"])
def test_upstream_fixes_are_live(wheel_path: Path, folder: Path, idle: str) -> None:
    collection = shared.find("cve")
    cases = "all" if shared.ALL else ",".join(FEW)
    out = folder / "results.json"
    adapter = ROOT / "tests" / "adapters" / "cve"
    command = [sys.executable, str(collection / "run.py"), str(adapter), "--cases", cases, "--jobs", "2"]
    done = subprocess.run(
        [*command, "--idle", idle, "--out", str(out)],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PATCHCTL_WHEEL": str(wheel_path),
            "CVE_STORE": str(store() / "cve"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        check=False,
    )
    assert out.exists(), done.stdout + done.stderr
    results = {result["id"]: result["result"] for result in json.loads(out.read_text())["results"]}
    assert results
    assert {name: result for name, result in results.items() if result != "LIVE"} == {}, done.stdout
