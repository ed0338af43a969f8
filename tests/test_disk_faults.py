"""Faults of the disk: full, and read-only. Changes are refused; what runs goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.rig.application import Application
from tests.rig.environment import plain_variables
from tests.rig.home import Home
from tests.rig.package import COUNT, Package
from tests.rig.waiting import until, until_equal

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
pytestmark = [pytest.mark.fault, root_only]
SmallDisk = tuple[subprocess.Popen[bytes], Path]


@pytest.fixture
def small_disk(home: Home) -> Iterator[SmallDisk]:
    """A daemon whose patches and history are on a small disk of its own."""
    disk = home.folder / "disk"
    script = (
        'mount -t tmpfs -o size=400k none "$1/disk" && mkdir "$1/disk/patches" "$1/disk/state"'
        ' && mount --bind "$1/disk/patches" "$1/patches.d" && mount --bind "$1/disk/state" "$1/state"'
        ' && exec "$2" --home "$1"'
    )
    for folder in (disk, home.patches, home.folder / "state"):
        folder.mkdir(mode=0o700)
    patchd = str(home.environment.program("patchd"))
    process = subprocess.Popen(
        [
            *["unshare", "--mount", "--propagation", "private", "sh", "-c"],
            script,
            "sh",
            str(home.folder),
            patchd,
        ],
        env=plain_variables(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(home.status, what="the daemon's answer")
    yield process, Path(f"/proc/{process.pid}/root{disk}")
    home.run("daemon", "stop", code=None)
    process.wait(20)


@pytest.fixture
def patched(home: Home, start: Starter, package: Package, small_disk: SmallDisk) -> Application:
    """An application in which the patch `fix` of the small disk is active."""
    assert small_disk
    app = start()
    app.exec("import shop.price, shop.stock")
    home.wait_linked(app.pid)
    home.add(package.write_patch("fix.diff", package.diff()))
    return app


def test_a_full_disk_refuses_changes_only(
    home: Home, patched: Application, package: Package, small_disk: SmallDisk
) -> None:
    _, disk = small_disk
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    stock = package.write_patch("stock.diff", package.diff("shop/stock.py", COUNT))
    refused = home.run("add", stock, code=1)
    assert "No space left" in refused.err or "full" in refused.err, refused.explain()
    assert home.audit() == {(patched.pid, "fix"): "active"}
    assert patched.eval("(shop.price.net(5), shop.stock.count(''))") == [10, 0]
    assert {path.name for path in (disk / "patches").iterdir()} == {"fix.diff"}
    home.run("off")
    assert patched.eval("shop.price.net(5)") == 5
    home.run("on")
    filler.unlink()
    until_equal(lambda: home.run("add", stock, "--overwrite", code=None).code, 0)
    assert patched.eval("(shop.price.net(5), shop.stock.count(''))") == [10, 100]
    assert home.json("history", "--verify")["verified"]["broken"] is None


def test_a_read_only_folder_refuses_changes_only(
    home: Home, patched: Application, package: Package, small_disk: SmallDisk
) -> None:
    process, _ = small_disk
    enter = ["nsenter", "--target", str(process.pid), "--mount", "mount", "-o"]
    subprocess.run([*enter, "remount,ro,bind", str(home.patches)], check=True)
    for command in (
        ("remove", "fix"),
        ("disable", "fix"),
        ("add", package.folder.parent / "fix.diff", "--overwrite"),
    ):
        refused = home.run(*command, code=1)
        assert "ead-only" in refused.err, refused.explain()
    assert home.audit() == {(patched.pid, "fix"): "active"}
    subprocess.run([*enter, "remount,rw,bind", str(home.patches)], check=True)
    home.remove("fix")
    assert patched.eval("shop.price.net(5)") == 5
