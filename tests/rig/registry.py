"""Packages of the registry, fetched while a test runs; where it is out of reach the test is skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig import environment
from tests.rig.interpreters import Interpreter

OUT_OF_REACH = (
    "Failed to fetch",
    "error sending request",
    "dns error",
    "ConnectionError",
    "Max retries exceeded",
    "Temporary failure in name resolution",
    "timed out",
)


def install(interpreter: Interpreter, folder: Path, *names: str) -> None:
    """Install distributions without what they need into a folder."""
    _pip(Path(interpreter.path), "install", "--no-deps", "--target", str(folder), *names)


def _pip(python: Path, *arguments: str) -> None:
    try:
        environment.pip(python, *arguments)
    except RuntimeError as error:
        if any(sign in str(error) for sign in OUT_OF_REACH):
            pytest.skip(f"the package registry is out of reach: {str(error).splitlines()[-1]}")
        raise
