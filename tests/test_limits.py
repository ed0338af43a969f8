"""Limits: what passes them is refused in clear words, and everything else goes on."""

from __future__ import annotations

import socket

import pytest

from tests.rig.application import Application
from tests.rig.figures import LONG
from tests.rig.home import Home
from tests.rig.measured import resident
from tests.rig.package import COUNT, Package
from tests.rig.waiting import until, until_equal

pytestmark = [pytest.mark.fault]
MOST_PATCHES = 4096
HEADER = '# /// patch\n# module = "shop.price"\n# ///\n'
TOO_MUCH = {
    "hunks.diff": ("--- a/m.py\n+++ b/m.py\n" + "@@ -1 +1 @@\n-a\n+b\n" * 20_001, "more than 20000 hunks"),
    "size.diff": ("--- a/m.py\n+++ b/m.py\n" + "#" * (8 << 20), "bytes"),
    "statements.py": (HEADER + "x = 1\n" * 5_001, "more than the 5000"),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_files(home: Home, app: Application, package: Package, name: str) -> None:
    """Also in the folder, where the others go on."""
    text, words = TOO_MUCH[name]
    path = package.folder.parent / name
    path.write_text(text)
    refused = home.run("add", path, code=6)
    assert name in refused.err, refused.explain()
    assert words in refused.err, refused.explain()
    home.patches.joinpath(name).write_text(text)
    home.patches.joinpath(name).chmod(0o600)
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval("shop.price.net(5)") == 10
    (broken,) = [one["broken"] for one in home.json("list")["patches"] if one["broken"]]
    assert words in broken


@pytest.mark.skipif(not LONG, reason="thousands of files: with PATCHCTL_LONG=1")
def test_patches(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    text = HEADER.replace("shop.price", "no_such_module") + "def f():\n    pass\n"
    for number in range(MOST_PATCHES):
        path = home.patches / f"other-{number:04}.py"
        path.write_text(text)
        path.chmod(0o600)
    broken = until(
        lambda: [one["broken"] for one in home.json("list")["patches"] if one["broken"]],
        seconds=60,
        what="the one that is too many",
    )
    assert broken == [f"{path}: there are more than {MOST_PATCHES} patch files"]
    refused = home.run(
        "add", package.write_patch("more.diff", package.diff("shop/stock.py", COUNT)), code=None
    )
    assert refused.code != 0
    assert f"{MOST_PATCHES} patches at most" in refused.err, refused.explain()
    assert app.eval("shop.price.net(5)") == 10
    for path in home.patches.glob("other-*"):
        path.unlink()
    until_equal(lambda: [one["id"] for one in home.json("list")["patches"]], ["fix"], seconds=60)
    home.remove("fix")
    assert app.eval("shop.price.net(5)") == 5


@pytest.mark.parametrize("head", [b'{"hook":"hello","x":"', b'{"client":"add","x":"', b""])
def test_messages(home: Home, app: Application, head: bytes) -> None:
    """One without an end is not taken in whole."""
    daemon = home.daemon_pid()
    before = resident(daemon)
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(20)
        peer.connect(str(home.socket))
        peer.sendall(head)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            peer.sendall(b"x" * (200 << 20))
    assert resident(daemon) - before < 150
    assert home.linked() == [app.pid]
