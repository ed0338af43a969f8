"""Scripts (`python app.py`): no import happens for them, their patches go in as their bodies run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.rig.environment import Environment, plain_variables
from tests.rig.home import Home
from tests.rig.package import Package, git_diff

SCRIPT = """\
import time

time.sleep(0.4)
LIMIT = 5


def net(amount):
    return amount


class Cart:
    def sum(self):
        return "old"


def main():
    deadline = time.monotonic() + 10
    while net(1) != 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    print(net(1), Cart().sum(), LIMIT)


main()
"""
CHANGED = SCRIPT.replace("return amount", "return amount * 2").replace('"old"', '"new"')


def run(environment: Environment, home: Home, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "app.py").write_text(SCRIPT)
    return subprocess.run(
        [str(environment.python), "app.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**plain_variables(), **home.variables},
    )


WAITS = """\
import sys

sys.stdin.readline()


def net(amount):
    return amount


print(net(1), flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_audit_says_what_a_script_has_still_to_come_to(
    home: Home, environment: Environment, package: Package, folder: Path, before: bool
) -> None:
    home.start()
    (folder / "app.py").write_text(WAITS)
    patch = package.write_patch(
        "fix.diff", git_diff("app.py", WAITS, WAITS.replace("return amount", "return 2"))
    )
    if before:
        home.add(patch)
    with subprocess.Popen(
        [str(environment.python), "app.py"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**plain_variables(), **home.variables},
    ) as app:
        assert app.stdin
        assert app.stdout
        home.wait_linked(app.pid)
        if not before:
            changed = home.add(patch)
            assert (changed.state(app.pid), changed.reason(app.pid)) == ("waiting", "not-defined")
        home.wait_state(app.pid, "fix", "active" if before else "waiting")
        told = home.run("audit", "--check").out
        assert "the script is at line 3, before " in told
        print(file=app.stdin, flush=True)
        said = app.stdout.readline()
        assert said == "2\n" if before else said in ("1\n", "2\n")
        home.wait_state(app.pid, "fix", "active")
        assert "the script is at line" not in home.run("audit", "--check").out
        app.stdin.close()
        assert app.wait(30) == 0


@pytest.mark.every_python
def test_patched_once_its_body_came_to_what_changes(
    home: Home, environment: Environment, package: Package, folder: Path
) -> None:
    home.start()
    home.add(package.write_patch("fix.diff", git_diff("app.py", SCRIPT, CHANGED)))
    done = run(environment, home, folder)
    assert (done.stdout, done.stderr, done.returncode) == ("2 new 5\n", "", 0)
    events = [entry["event"] for entry in home.json("history")["entries"] if entry["patch"] == "fix"]
    assert not {"skip", "fail"} & set(events), events


def test_values_of_the_module_change_after_the_body_bound_them(
    home: Home, environment: Environment, package: Package, folder: Path
) -> None:
    home.start()
    new = CHANGED.replace("LIMIT = 5", "LIMIT = 7")
    home.add(package.write_patch("fix.diff", git_diff("app.py", SCRIPT, new)))
    assert run(environment, home, folder).stdout == "2 new 7\n"
