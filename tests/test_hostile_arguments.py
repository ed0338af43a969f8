"""Command lines, patch files and file names that nobody would write: an exit status, no panic, no hang."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rig.commands import COMMANDS, RUNNING_ON
from tests.rig.figures import LONG, Kind, rounds, tell, total
from tests.rig.home import Home, Result
from tests.rig.package import Package

pytestmark = [pytest.mark.slow] if LONG else []
CODES = {0, 1, 2, 3, 4, 5, 6, 7}
SAFE = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXT = st.text(SAFE, max_size=12)
OPTIONS = [
    "--json",
    "--quiet",
    "--dry-run",
    "--link",
    "--overwrite",
    "--check",
    "--verify",
    "--all",
    "--reason",
    "--for",
    "--wait",
    "--id",
    "--strip",
    "--type",
    "--renew",
    "--python",
    "--pid",
    "--limit",
    "--deadline",
    "--key",
    "--serial",
    "--name",
    "--help",
    "--version",
    "--color",
    "--home",
]
HARMLESS = [command for command in COMMANDS if command not in RUNNING_ON]
VALUES = (
    "-1",
    "0",
    "99999999999999999999",
    "1e400",
    "2h",
    "nan",
    "fix",
    "fix.diff",
    "/dev/null",
    "/",
    "",
    "-",
    "--",
)
WORDS = st.one_of(st.sampled_from(OPTIONS), st.sampled_from(VALUES), TEXT)
quiet = settings(
    max_examples=rounds(60, 2000),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def check(result: Result) -> None:
    """Hold a run to the promise."""
    assert result.code in CODES, result.explain()
    assert "panicked" not in result.err, result.explain()
    assert result.out or result.err or result.code == 0, result.explain()


@pytest.fixture
def served(home: Home, package: Package, folder: Path) -> Home:
    """A daemon with a patch; commands run in an empty folder."""
    home.add(package.write_patch("fix.diff", package.diff()))
    (folder / "here").mkdir()
    return home


def test_arguments(served: Home, folder: Path) -> None:
    before = Path.cwd()
    os.chdir(folder / "here")

    @quiet
    @given(st.sampled_from(HARMLESS), st.lists(WORDS, max_size=5))
    def try_it(command: str, words: list[str]) -> None:
        if "--home" not in words:
            check(served.run(command, *words, code=None, seconds=20))

    try:
        try_it()
    finally:
        os.chdir(before)
    assert served.status() is not None
    total(Kind.INPUTS, quiet.max_examples)
    tell(f"command lines tried: {quiet.max_examples}")


def test_contents_and_names(served: Home, folder: Path) -> None:
    piece = st.one_of(
        st.sampled_from(
            ["--- a/m.py\n", "+++ b/m.py\n", "@@ -1 +1 @@\n", "-a\n", "+b\n", "# /// patch\n", "# ///\n"]
        ),
        st.text(SAFE, max_size=20),
    )
    letters = st.text(SAFE.filter(lambda c: c != "/"), min_size=1, max_size=20)
    odd = st.binary(min_size=1, max_size=20).filter(lambda raw: not {0, ord("/")} & {*raw})
    name = st.one_of(letters, odd.map(os.fsdecode))

    @quiet
    @given(name, st.sampled_from([".diff", ".py", ".toml", ".patch", ""]), st.lists(piece, max_size=12))
    def try_it(stem: str, suffix: str, pieces: list[str]) -> None:
        path = folder / "here" / f"{stem}{suffix}"
        if stem in {".", ".."} or len(os.fsencode(path.name)) > 250:
            return
        path.write_text("".join(pieces), newline="")
        try:
            result = served.run("add", "--", path, code=None, seconds=20)
            check(result)
            (served.patches / path.name).write_text("".join(pieces), newline="")
            check(served.run("list", code=None, seconds=20))
        finally:
            path.unlink()
            (served.patches / path.name).unlink(missing_ok=True)

    try_it()
    assert served.status() is not None
    assert served.run("history", "--verify").code == 0
    total(Kind.INPUTS, quiet.max_examples)
    tell(f"patch files with odd names and contents tried: {quiet.max_examples}")
