"""Rust programs and tests that the tests here run, through cargo."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.rig.wheel import ROOT


def cargo(*arguments: str, variables: dict[str, str] | None = None) -> str:
    """Run cargo, which must succeed, and return its output; skips the test where there is no cargo."""
    program = shutil.which("cargo")
    if program is None:
        pytest.skip("this test builds Rust programs, and cargo is not on PATH")
    done = subprocess.run(
        [program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(variables or {})},
    )
    if done.returncode:
        message = f"cargo {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        raise RuntimeError(message)
    return done.stdout + done.stderr
