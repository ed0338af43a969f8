"""Rust programs and tests that the tests here run, through cargo."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.rig.wheel import ROOT


class MissingError(Exception):
    """What this machine lacks, and how to get it."""


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


def require_nightly(*, rust_src: bool = False) -> None:
    """Raise `MissingError` where the toolchain is not there."""
    if shutil.which("rustup") is None:
        message = "rustup is not on PATH"
        raise MissingError(message)
    command = ["rustc", "+nightly", "--print", "sysroot"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        message = "no nightly toolchain: rustup toolchain install nightly"
        raise MissingError(message)
    if rust_src and not Path(found.stdout.strip(), "lib/rustlib/src/rust/library").is_dir():
        message = "no sources of the standard library: rustup component add rust-src --toolchain nightly"
        raise MissingError(message)
