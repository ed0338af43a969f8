"""`patchctl history`: who did what when; tampering is found; nothing is lost by SIGKILL."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from typing import Any

import pytest

from tests.rig.application import Application
from tests.rig.environment import plain_variables
from tests.rig.home import Home
from tests.rig.package import NET, Package
from tests.rig.waiting import until


def entries(home: Home) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = home.json("history", "--limit", 100_000)["entries"]
    return found


def verify(home: Home) -> dict[str, Any]:
    verified: dict[str, Any] = home.json("history", "--verify", code=None)["verified"]
    return verified


def test_every_change_is_told(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()), "--reason", "a hole in the shop")
    home.run("disable", "fix")
    home.run("enable", "fix")
    home.add(
        "--overwrite",
        package.write_patch("fix.diff", package.diff("shop/price.py", (NET[0], "    return 0\n"))),
    )
    home.remove("fix")
    wanted = {"add", "disable", "enable", "change", "remove", "apply", "unapply"}
    seen = until(lambda: entries(home), lambda found: wanted <= {one["event"] for one in found})
    (added,) = [one for one in seen if one["event"] == "add"]
    assert (added["patch"], added["uid"], added["reason"]) == ("fix", os.getuid(), "a hole in the shop")
    assert added["digest"].startswith("sha256:")
    assert any(one["event"] == "apply" and one["pid"] == app.pid for one in seen)


def test_history_of_one_patch_and_limit(home: Home, package: Package) -> None:
    home.start()
    for name in ("one", "two"):
        home.add(package.write_patch(f"{name}.diff", package.diff()), code=None)
    only = home.json("history", "one")["entries"]
    assert {one["patch"] for one in only} == {"one"}
    assert len(home.json("history", "--limit", "1")["entries"]) == 1


@pytest.mark.parametrize(
    "tamper",
    [
        "update history set reason = 'another' where number = 3",
        "update history set number = -number where number in (2, 3)",
        "delete from history where number = 3",
        "delete from history where number = (select max(number) from history)",
    ],
    ids=["edited", "reordered", "removed", "cut off"],
)
def test_tampering_is_found(home: Home, package: Package, tamper: str) -> None:
    home.start()
    for factor in range(2, 6):
        text = package.diff("shop/price.py", (NET[0], f"    return amount * {factor}\n"))
        home.add("--overwrite", package.write_patch("fix.diff", text))
    assert verify(home)["broken"] is None
    home.run("daemon", "stop")
    with closing(sqlite3.connect(home.database)) as connection:
        assert connection.execute(tamper).rowcount >= 1
        connection.commit()
    home.start()
    number, sentence = verify(home)["broken"]
    assert sentence, number
    assert home.run("history", "--verify", code=None).code == 1


def test_sigkill_at_any_moment(home: Home, app: Application, package: Package) -> None:
    count = 0
    for factor in range(2, 8):
        text = package.diff("shop/price.py", (NET[0], f"    return amount * {factor}\n"))
        path = package.write_patch("fix.diff", text)
        adding = subprocess.Popen(
            [str(home.environment.program("patchctl")), "add", "--overwrite", str(path)],
            env={**plain_variables(), **home.variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.kill(home.daemon_pid(), signal.SIGKILL)
        adding.wait(30)
        home.start()
        assert verify(home)["broken"] is None
        assert len(entries(home)) >= count
        count = len(entries(home))
    home.wait_linked(app.pid)
    home.add("--overwrite", package.write_patch("fix.diff", package.diff()))
    assert app.eval("shop.price.net(5)") == 10


def test_unwritable_history_refuses_changes_only(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    home.run("daemon", "stop")
    path = home.database
    for extra in path.parent.glob(path.name + "*"):
        extra.unlink()
    path.mkdir()
    try:
        home.start()
        home.wait_linked(app.pid)
        assert app.eval("shop.price.net(5)") == 10
        refused = home.run("remove", "fix", code=None)
        assert refused.code != 0
        assert "history" in refused.err
        assert app.eval("shop.price.net(5)") == 10
    finally:
        shutil.rmtree(path)
