"""Every `unsafe` of the Rust sources says why it is sound."""

from __future__ import annotations

from tests.sanitize.unsafe import places


def test_each_has_its_reason() -> None:
    found = [*places()]
    assert len(found) > 10, "the sources were not found"
    assert [f"{one.path}:{one.line}" for one in found if not one.reason] == []
