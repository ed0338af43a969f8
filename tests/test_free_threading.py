"""Free-threaded builds: the hook stays out, says why where it is asked to come in, and changes nothing."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import interpreters
from tests.rig.attaching import refused
from tests.rig.environment import Environment, bare, pip, plain_variables
from tests.rig.home import Home
from tests.rig.workload import Workload

LOOK = (
    "import sys, json.tool; print(sys._is_gil_enabled(), 'patchctl_hook' in sys.modules,"
    " '_native.abi3' in open('/proc/self/maps').read(),"
    " [getattr(one, '__name__', one) for one in sys.meta_path])"
)
UNTOUCHED = "False {} False ['BuiltinImporter', 'FrozenImporter', 'PathFinder']\n"


@pytest.fixture
def threads(folder: Path) -> Environment:
    """An environment of a free-threaded build."""
    found = interpreters.free_threaded()
    if found is None:
        pytest.skip(f"no free-threaded build in {interpreters.folder_of_pythons()}")
    return bare(folder / "free-threaded", found)


@pytest.fixture
def workload(threads: Environment) -> Iterator[Workload]:
    """A process of that build, which checks its own results."""
    one = Workload(threads, "sleep")
    yield one
    one.close()


def look(home: Home, threads: Environment) -> tuple[int, str, str]:
    """Exit status and output of a fresh interpreter while a daemon runs."""
    done = subprocess.run(
        [str(threads.python), "-c", LOOK],
        capture_output=True,
        text=True,
        check=False,
        env={**plain_variables(), **home.variables},
    )
    return done.returncode, done.stdout, done.stderr


def test_the_hook_is_not_installed(home: Home, threads: Environment, wheel_path: Path) -> None:
    before = sorted(threads.site_packages.iterdir())
    refusal = home.run("hook", "install", "--python", threads.python, code=None)
    assert refusal.code != 0
    assert "free-threaded build; the hook relies on the GIL" in refusal.err, refusal.explain()
    with pytest.raises(RuntimeError, match="abi3"):
        pip(threads.python, "install", str(wheel_path))
    assert sorted(threads.site_packages.iterdir()) == before


def test_a_hook_that_got_there_stays_out(home: Home, threads: Environment, wheel_path: Path) -> None:
    """As with a shared folder of packages: the files are there, and the daemon runs."""
    with zipfile.ZipFile(wheel_path) as wheel:
        wheel.extractall(threads.site_packages)
    home.start()
    assert look(home, threads) == (0, UNTOUCHED.format(True), "")
    assert home.linked() == []


def test_attach_is_refused(home: Home, workload: Workload) -> None:
    home.start()
    assert "free-threaded" in refused(home, workload.pid, "free-threaded", 3)
    (row,) = [row for row in home.json("ps", "--all")["unlinked"] if row["pid"] == workload.pid]
    assert row["attachable"] is False
    assert home.linked() == []
    workload.finish()
