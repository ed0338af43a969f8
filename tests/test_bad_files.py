"""Files that are no patches: each is named with line and column or a reason, and the others go on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import COUNT, Package, with_header
from tests.rig.waiting import until, until_equal

BAD = {
    "hunk.diff": (b"--- a/shop/price.py\n+++ b/shop/price.py\n@@ nonsense @@\n", "hunk.diff:3"),
    "short.diff": (b"--- a/shop/price.py\n+++ b/shop/price.py\n@@ -1,9 +1,9 @@\n a\n", "short.diff:"),
    "empty.diff": (b"", "empty.diff"),
    "docs.diff": (b"--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-a\n+b\n", "docs.diff"),
    "latin.diff": (b"--- a/shop/price.py\n+++ b/shop/price.py\n@@ -1 +1 @@\n-\xe9\n+b\n", "latin.diff:4"),
    "nul.diff": (b"--- a/shop/price.py\n\x00", "nul.diff:2"),
    "syntax.py": (
        with_header('module = "shop.price"', "def net(amount:\n    pass\n").encode(),
        "syntax.py:5:",
    ),
    "header.py": (b'# /// patch\n# module = "shop\n# ///\ndef net(a):\n    pass\n', "header.py:2"),
    "unknown.py": (b'# /// patch\n# modul = "shop.price"\n# ///\ndef net(a):\n    pass\n', "unknown.py:2"),
    "open.py": (b'# /// patch\n# module = "shop.price"\ndef net(a):\n    pass\n', "open.py:"),
}


ODD_NAMES = (
    b"\xff\xfe.py",
    b"new\nline.py",
    b"\x1b[2J\x1b]0;title\x07.py",
    b"tab\t.py",
    b"\r.py",
    b"n" * 252 + b".py",
    b"a...py",
    b"'\"$(id)`id`.py",
    b" .py",
    b"a...py",
    "\u202eyp.\u2028.py".encode(),
    "\U0001f40d e\u0301.py".encode(),
)


def broken(home: Home) -> dict[str, str]:
    """Files of the folder that do not count, and why."""
    return {one["file"]: one["broken"] for one in home.json("list")["patches"] if one["broken"]}


@pytest.mark.parametrize("name", BAD)
def test_add_refuses_and_names_the_place(home: Home, package: Package, name: str) -> None:
    content, place = BAD[name]
    path = package.folder.parent / name
    path.write_bytes(content)
    home.start()
    result = home.run("add", path, code=None)
    assert result.code == 6, result.explain()
    assert place in result.err, result.explain()
    assert home.json("list")["patches"] == []


def test_add_refuses_a_huge_file_without_reading_it(home: Home, folder: Path) -> None:
    path = folder / "huge.diff"
    path.write_bytes(b"--- a/shop/price.py\n+++ b/shop/price.py\n" + b"x" * (50 << 20))
    home.start()
    daemon = Path(f"/proc/{home.daemon_pid()}/status")
    result = home.run("add", path, code=None)
    assert result.code == 6, result.explain()
    assert "huge.diff" in result.err, result.explain()
    peak = next(line for line in daemon.read_text().splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 60_000, peak


def test_unknown_key_names_the_nearest(home: Home, package: Package) -> None:
    path = package.folder.parent / "unknown.py"
    path.write_bytes(BAD["unknown.py"][0])
    assert "`module`" in home.run("add", path, code=None).err


def test_syntax_error_in_a_patched_text(home: Home, app: Application, package: Package) -> None:
    text = package.diff("shop/price.py", ("    return amount\n", "    return amount +\n"))
    changed = home.add(package.write_patch("fix.diff", text), code=None)
    assert changed.reason(app.pid) == "syntax-error"
    assert app.eval("shop.price.net(5)") == 5


def test_odd_files_in_the_folder_do_not_stop_the_others(
    home: Home, app: Application, package: Package
) -> None:
    for name, (content, _place) in BAD.items():
        (home.patches / name).write_bytes(content)
    (home.patches / "folder.py").mkdir()
    os.mkfifo(home.patches / "pipe.diff")
    (home.patches / "device.diff").symlink_to("/dev/zero")
    (home.patches / "loop.diff").symlink_to("loop.diff")
    (home.patches / "dangling.diff").symlink_to("/no/such/file")
    (home.patches / "notes.txt").write_text("no patch")
    (home.patches / ".hidden.diff").write_text("no patch")
    (home.patches / "huge.diff").write_bytes(b"x" * (50 << 20))
    (home.patches / "good.diff").write_text(package.diff("shop/stock.py", COUNT))
    until_equal(lambda: app.eval("shop.stock.count('a')"), 101)
    odd = {*BAD, "folder.py", "pipe.diff", "device.diff", "loop.diff", "dangling.diff", "huge.diff"}
    until_equal(lambda: set(broken(home)), odd)
    for name in odd - {*BAD}:
        assert home.json("show", name.split(".")[0])["content"] == ""
    assert home.run("audit", "--check", code=None).code in {0, 1}


def test_odd_names_in_the_folder_do_not_stop_the_others(
    home: Home, app: Application, package: Package
) -> None:
    for number, name in enumerate(ODD_NAMES):
        text = with_header(f'module = "absent{number}"', "def f():\n    return 1\n")
        (home.patches / os.fsdecode(name)).write_text(text)
    (home.patches / "good.diff").write_text(package.diff("shop/stock.py", COUNT))
    until_equal(lambda: app.eval("shop.stock.count('a')"), 101)
    shown = {name.decode(errors="backslashreplace") for name in ODD_NAMES}
    until_equal(lambda: {one["file"] for one in home.json("list")["patches"]} - {"good.diff"}, shown)
    for command in ("list", "audit", "history"):
        said = home.run(command, code=None).out
        assert [one for one in said if not one.isprintable() and one not in "\n\t"] == [], said
    for path in home.patches.iterdir():
        if path.name != "good.diff":
            path.unlink()
    until_equal(lambda: [one["id"] for one in home.json("list")["patches"]], ["good"])
    assert app.eval("shop.stock.count('a')") == 101


def test_file_that_others_may_write_is_refused(home: Home, app: Application, package: Package) -> None:
    path = home.patches / "fix.diff"
    hidden = home.patches / ".fix"
    hidden.write_text(package.diff())
    hidden.chmod(0o666)
    hidden.rename(path)
    until(lambda: broken(home), lambda found: "chmod" in found.get("fix.diff", ""), what="the file's report")
    assert app.eval("shop.price.net(5)") == 5
    path.chmod(0o600)
    until_equal(lambda: app.eval("shop.price.net(5)"), 10)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_file_of_another_user_is_refused(home: Home, app: Application, package: Package) -> None:
    hidden = home.patches / ".fix"
    hidden.write_text(package.diff())
    os.chown(hidden, 65534, 65534)
    hidden.rename(home.patches / "fix.diff")
    until(lambda: broken(home), lambda found: "fix.diff" in found, what="the file's report")
    assert app.eval("shop.price.net(5)") == 5


def test_broken_standard_output_is_no_error(home: Home, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    command = f"{home.environment.program('patchctl')} list | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], **home.variables},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
