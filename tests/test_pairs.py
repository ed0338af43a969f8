"""Neighbouring releases as patches: what a patched process holds is the newer release's, or told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pairs.releases import table
from tests.pairs.trial import Trial
from tests.rig import wheel
from tests.rig.home import Home

FEW = ("urllib3 1.26.17 1.26.18", "jinja2 3.1.5 3.1.6", "h11 0.15.0 0.16.0", "waitress 3.0.0 3.0.1")


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW)
def test_a_release_as_a_patch_is_silent_nowhere(home: Home, tmp_path: Path, name: str) -> None:
    (pair,) = [pair for pair in table() if pair.name == name]
    result = Trial(pair, home.environment.interpreter, wheel.locate(), tmp_path).run()
    assert result.states == {"live": "active", "import": "active"}
    assert result.changed > 0
    assert (result.silent, result.not_undone) == ([], [])
