"""Packages of the registry, fetched while a test runs; where it is out of reach the test is skipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.rig.environment import Environment, call, pip
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
    _reached(pip, Path(interpreter.path), "install", "--no-deps", "--target", str(folder), *names)


def install_into(environment: Environment, *requirements: str) -> None:
    """Install distributions into an environment."""
    _reached(pip, environment.python, "install", *requirements)


def install_built(environment: Environment, *requirements: str) -> None:
    """The same, but only such as are built for its interpreter: building others takes many minutes."""
    _reached(pip, environment.python, "install", "--only-binary", ":all:", *requirements)


def source(environment: Environment, folder: Path, name: str) -> Path:
    """Fetch the newest source distribution that the environment's interpreter can use."""
    own = folder / name
    command = [str(environment.python), "-m", "pip", "--quiet", "download", "--no-deps"]
    _reached(call, [*command, "--no-binary", name, "--dest", str(own), name])
    (found,) = own.iterdir()
    return found


NOT_BUILT = ("no usable wheels", "No solution found", "No matching distribution")


def _reached(action: Callable[..., str], *arguments: Any) -> None:
    try:
        action(*arguments)
    except RuntimeError as error:
        if any(sign in str(error) for sign in OUT_OF_REACH):
            pytest.skip(f"the package registry is out of reach: {str(error).splitlines()[-1]}")
        if any(sign in str(error) for sign in NOT_BUILT):
            pytest.skip(f"not built for this Python: {' '.join(str(error).split())[-200:]}")
        raise
