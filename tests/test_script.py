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
