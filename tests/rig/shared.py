"""Finds the case collections that are kept outside this repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.rig.wheel import ROOT

ALL = os.environ.get("PATCHCTL_ALL") == "1"


def find(name: str) -> Path:
    """The folder of a collection; skips the test, saying why, where it is not there."""
    named = os.environ.get("PATCHCTL_SHARED")
    folder = (Path(named) if named else ROOT.parent / "shared") / name
    if not folder.is_dir():
        pytest.skip(f"no collection `{name}`: {folder} is not there (PATCHCTL_SHARED names another place)")
    return folder
