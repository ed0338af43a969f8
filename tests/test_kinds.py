"""Kinds of patch in the three ways of meeting a process; `python -m tests.kinds` prints the table."""

from __future__ import annotations

import pytest

from tests.kinds import ways
from tests.kinds.case import OWN, load
from tests.rig.home import Home

CASES = load(OWN, [])


def tried(home: Home, way: str) -> dict[str, ways.Verdict]:
    """What became of each case."""
    environment = home.environment
    home.start()
    fitting = [case for case in CASES if ways.fits(case, way, environment)]
    assert len(fitting) > len(CASES) / 2
    return {case.name: ways.run(home, environment, case, way) for case in fitting}


@pytest.mark.every_python
@pytest.mark.slow
def test_kinds_added_to_a_running_process(home: Home) -> None:
    assert {name: one for name, one in tried(home, "live").items() if one.status != "pass"} == {}


@pytest.mark.parametrize("way", ["before", "edited"])
@pytest.mark.slow
def test_kinds_added_before_and_edited(home: Home, way: str) -> None:
    assert {name: one for name, one in tried(home, way).items() if one.status != "pass"} == {}
