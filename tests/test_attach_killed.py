"""What killed attachers leave: a target unharmed, and a folder that the next attach removes."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Work
from tests.rig.attaching import attach
from tests.rig.environment import plain_variables
from tests.rig.figures import LONG, Kind, total
from tests.rig.home import Home
from tests.rig.tracer import kill_at
from tests.rig.waiting import until

LINUX = sys.platform == "linux" and platform.machine() == "x86_64"
pytestmark = [
    pytest.mark.skipif(not LINUX, reason="x86_64 Linux only"),
    *([pytest.mark.slow] if LONG else []),
]


def test_what_killed_attachers_left_is_removed_by_the_next(home: Home, work: Work) -> None:
    """Old and unused private folders of ours, and nothing else."""
    home.start()
    before = {*Path("/tmp").glob("patchctl-attach-*")}
    target = work("sleep", prefix=("unshare", "--mount") if os.geteuid() == 0 else ())
    command = [str(home.environment.program("patchctl")), "attach", str(target.pid)]
    assert kill_at(1, command, {**plain_variables(), **home.variables}).step
    killed = {*Path("/tmp").glob("patchctl-attach-*")} - before
    if os.geteuid() == 0:
        assert len(killed) == 1, "an attach to another mount namespace has a folder"
    pid, moment = os.getpid(), time.time_ns()
    names = [f"patchctl-attach-{pid}-{moment + number:x}" for number in range(5)]
    old, young, used, open_to_all, foreign = (Path("/tmp") / name for name in names)
    other = Path("/tmp") / f"patchctl-attach-{pid}-old"
    made = [*killed, old, young, used, open_to_all, foreign, other]
    for path in made:
        path.mkdir(mode=0o700, exist_ok=True)
        if path not in killed:
            (path / "boot.py").touch()
        if path != young:
            os.utime(path, (time.time() - 4000,) * 2)
    open_to_all.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(foreign, 54321, 54321)
    lock = os.open(used, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        assert attach(home, target.pid)["outcome"] == "attached"
        kept = {young, used, open_to_all, other, *([foreign] if os.geteuid() == 0 else [])}
        assert {path for path in made if path.exists()} == kept
    finally:
        os.close(lock)
        for path in made:
            shutil.rmtree(path, ignore_errors=True)
    target.finish()


@pytest.mark.every_python
@pytest.mark.parametrize("situation", ["sleep", "busy", "floats", "asyncio"] if LONG else ["sleep", "floats"])
def test_a_killed_attacher_leaves_the_target_unharmed(home: Home, work: Work, situation: str) -> None:
    home.start()
    target = work(situation)
    command = [str(home.environment.program("patchctl")), "attach", str(target.pid)]
    variables = {**plain_variables(), **home.variables}
    step, stride = 1, 1 if LONG else 6
    while True:
        killed = kill_at(step, command, variables)
        if killed.step is None:
            break
        total(Kind.FAULTS)
        until(
            target.state,
            lambda state: state in "SR",
            what=f"a running target after step {step} ({killed.step})",
        )
        if target.pid in home.linked():
            home.run("detach", target.pid)
        step += stride
    assert step > stride, "the attacher was never killed"
    assert killed.status == 0
    assert target.pid in home.linked()
    target.finish()
