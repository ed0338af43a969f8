"""`patchctl demo`: the whole job on a real package, in a scratch folder, leaving nothing."""

from __future__ import annotations

import pytest

from tests.rig.home import Home


@pytest.mark.slow
def test_demo_does_what_it_says(home: Home) -> None:
    result = home.run("demo", seconds=600)
    text = result.out + result.err
    for word in ("patchctl add", "patchctl audit", "patchctl remove"):
        assert word in text, result.explain()
    assert home.status() is None
    assert list(home.folder.glob("*")) == []
