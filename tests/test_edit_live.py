"""The patch folder is the registry: edits, renames, atomic replaces and whole checkouts reach processes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import COUNT, NET, Package, with_header
from tests.rig.waiting import until, until_equal


def times(package: Package, factor: int) -> str:
    return package.diff("shop/price.py", (NET[0], f"    return amount * {factor}\n"))


def net(app: Application) -> object:
    return app.eval("shop.price.net(1)")


def test_file_put_into_the_folder(home: Home, app: Application, package: Package) -> None:
    (home.patches / "fix.diff").write_text(times(package, 2))
    until_equal(lambda: net(app), 2)
    assert home.state(app.pid, "fix") == "active"


def test_edit_in_place_and_atomic_replace(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", times(package, 2)))
    path = home.patches / "fix.diff"
    path.write_text(times(package, 3))
    until_equal(lambda: net(app), 3)
    other = path.with_name(".fix.diff.swp")
    other.write_text(times(package, 4))
    other.replace(path)
    until_equal(lambda: net(app), 4)


def test_rename_keeps_the_patch_in(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", times(package, 2)))
    (home.patches / "fix.diff").rename(home.patches / "better.diff")
    until_equal(lambda: [patch["id"] for patch in home.json("list")["patches"]], ["better"])
    until_equal(lambda: home.state(app.pid, "better"), "active")
    assert net(app) == 2


def test_broken_edit_keeps_the_last_good_version(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", times(package, 2)))
    (home.patches / "fix.diff").write_text("--- a/shop/price.py\n+++ b/shop/price.py\n@@ nonsense @@\n")
    # It may be seen empty first, between being truncated and written.
    until(
        lambda: home.json("list")["patches"][0]["broken"] or "",
        lambda seen: "fix.diff:3" in seen,
        what="the broken file's report",
    )
    assert net(app) == 2
    (home.patches / "fix.diff").write_text(times(package, 5))
    until_equal(lambda: net(app), 5)
    assert home.json("list")["patches"][0]["broken"] is None


def test_git_checkout_of_the_folder(home: Home, app: Application, package: Package) -> None:
    def git(*words: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *identity, *words], cwd=home.patches, check=True, capture_output=True)

    git("init", "-b", "main")
    (home.patches / "fix.diff").write_text(times(package, 2))
    git("add", ".")
    git("commit", "-m", "two")
    git("checkout", "-b", "other")
    (home.patches / "fix.diff").write_text(times(package, 3))
    (home.patches / "stock.diff").write_text(package.diff("shop/stock.py", COUNT))
    git("add", ".")
    git("commit", "-m", "three")
    until_equal(lambda: [net(app), app.eval("shop.stock.count('a')")], [3, 101])
    git("checkout", "main")
    until_equal(lambda: [net(app), app.eval("shop.stock.count('a')")], [2, 1])


def test_many_files_at_once(home: Home, app: Application) -> None:
    header = 'module = "shop.price"'
    for number in range(200):
        text = with_header(header, f"def extra_{number}():\n    return {number}\n")
        (home.patches / f"many-{number:03}.py").write_text(text)
    until_equal(lambda: app.eval("sum(name.startswith('extra_') for name in vars(shop.price))"), 200, 30)
    for path in home.patches.glob("many-*"):
        path.unlink()
    until_equal(lambda: app.eval("sum(name.startswith('extra_') for name in vars(shop.price))"), 0, 30)


def test_folder_deleted_and_made_again(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", times(package, 2)))
    shutil.rmtree(home.patches)
    until_equal(lambda: net(app), 1)
    home.patches.mkdir(mode=0o700)
    (home.patches / "fix.diff").write_text(times(package, 3))
    until_equal(lambda: net(app), 3)


def test_symlinked_file_is_followed(home: Home, app: Application, package: Package, folder: Path) -> None:
    target = folder / "mine.diff"
    target.write_text(times(package, 2))
    (home.patches / "fix.diff").symlink_to(target)
    until_equal(lambda: net(app), 2)
    fresh = folder / "fresh"
    fresh.write_text(times(package, 6))
    os.replace(fresh, target)
    until_equal(lambda: net(app), 6)
