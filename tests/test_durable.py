"""What `patchctl add` and its kin answered is on the disk, and a crash leaves nothing half done."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.environment import plain_variables
from tests.rig.home import Home
from tests.rig.package import Package
from tests.rig.waiting import until

CALLS = "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,write,sendto,sendmsg,writev"


@pytest.fixture
def traced(home: Home, folder: Path) -> Iterator[Path]:
    """A daemon whose system calls are written to a file."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    log = folder / "calls"
    program = [str(home.environment.program("patchd")), "--home", str(home.folder)]
    strace = ["strace", "-f", "-qq", "-y", "-s", "40", "-o", str(log), "-e", f"trace={CALLS}"]
    process = subprocess.Popen(
        [*strace, *program], env=plain_variables(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until(home.status, what="the daemon's answer")
    yield log
    home.run("daemon", "stop")
    process.wait(20)


def steps(log: Path, since: int, home: Home) -> list[str]:
    """What was done to the patch folder, and the answers to the client, in order."""
    found = []
    for line in log.read_text()[since:].splitlines():
        if "fsync(" in line and f"<{home.patches}>" in line:
            found.append("folder to disk")
        elif "fsync(" in line and str(home.patches) in line:
            found.append("content to disk")
        elif re.search(r"(rename|unlink)\w*\(", line) and f"{home.patches}/" in line:
            found.append("name")
        elif '"{\\"reply\\":\\"changed\\"' in line:
            found.append("answer")
    return found


def test_a_change_is_on_the_disk_before_the_answer(home: Home, traced: Path, package: Package) -> None:
    since = traced.stat().st_size
    home.add(package.write_patch("fix.diff", package.diff()))
    assert steps(traced, since, home) == ["content to disk", "name", "folder to disk", "answer"]
    for verb in ("disable", "enable", "remove"):
        since = traced.stat().st_size
        home.run(verb, "fix")
        assert steps(traced, since, home) == ["name", "folder to disk", "answer"], verb


def test_killed_right_after_the_answer(home: Home, package: Package) -> None:
    for number in range(10):
        text = package.diff("shop/price.py", ("    return amount\n", f"    return amount * {number + 2}\n"))
        home.add(package.write_patch("fix.diff", text), "--overwrite")
        os.kill(home.daemon_pid(), signal.SIGKILL)
        home.start()
        (patch,) = home.json("list")["patches"]
        assert patch["broken"] is None
        assert f"amount * {number + 2}" in home.json("show", "fix")["content"]
        document = home.json("history", "--verify")
        assert document["verified"]["broken"] is None
        adds = [one for one in document["entries"] if one["event"] in ("add", "change")]
        assert len(adds) == number + 1
