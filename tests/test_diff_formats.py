"""Diffs as they come: git's, mails, plain ones; folder layouts; several files; offsets, fuzz, ambiguity."""

from __future__ import annotations

import pytest

from tests.conftest import Connected, Starter
from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import COUNT, NET, Package, git_diff, plain_diff

MAIL = """\
From 3f9c1bd7e0b4d1c9a2e8f4c5d6a7b8c9d0e1f2a3 Mon Sep 17 00:00:00 2001
From: A Maintainer <maintainer@example.org>
Date: Tue, 3 Oct 2023 10:00:00 +0200
Subject: [PATCH] Double the price

The reason for it, in some lines. diff -- is a word here.
---
 shop/price.py | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

{diff}{signature}"""


def apply(home: Home, app: Application, package: Package, text: str, *options: str) -> None:
    changed = home.add(package.write_patch("fix.diff", text), *options)
    assert changed.state(app.pid) == "active", changed.document


@pytest.mark.parametrize("under", ["", "src/", "lib/", "python/", "sdk/core/src/"])
def test_git_diff_and_folder_layouts(home: Home, app: Application, package: Package, under: str) -> None:
    apply(home, app, package, package.diff(under=under))
    assert app.eval("shop.price.net(5)") == 10


def test_mail_of_format_patch(home: Home, app: Application, package: Package) -> None:
    apply(home, app, package, MAIL.format(diff=package.diff(), signature="-- \n2.42.0\n\n"))
    assert app.eval("shop.price.net(5)") == 10


def test_plain_diff_without_prefixes(home: Home, app: Application, package: Package) -> None:
    new = package.changed("shop/price.py", NET)
    text = plain_diff(package.files["shop/price.py"], new, "shop/price.py", "shop/price.py")
    apply(home, app, package, text)
    assert app.eval("shop.price.net(5)") == 10


def test_plain_diff_of_two_release_folders(home: Home, app: Application, package: Package) -> None:
    new = package.changed("shop/price.py", NET)
    old = package.files["shop/price.py"]
    text = plain_diff(
        old, new, "sample-shop-1.0/shop/price.py\t2020-01-01", "sample-shop-1.1/shop/price.py\t2021-01-01"
    )
    apply(home, app, package, text, "--strip", "1")
    assert app.eval("shop.price.net(5)") == 10


def test_strip_is_kept_in_the_header(home: Home, app: Application, package: Package) -> None:
    new = package.changed("shop/price.py", NET)
    text = plain_diff(package.files["shop/price.py"], new, "vendored/shop/price.py", "vendored/shop/price.py")
    path = package.write_patch("fix.diff", text)
    checked = home.json("check", path, "--pid", app.pid, "--strip", 1)
    assert [module["module"] for module in checked["modules"]] == ["shop.price"]
    apply(home, app, package, text, "--strip", "1")
    assert app.eval("shop.price.net(5)") == 10
    assert "# strip = 1\n" in (home.patches / "fix.diff").read_text()
    home.run("daemon", "stop")
    home.start()
    (listed,) = home.json("list")["patches"]
    assert (listed["broken"], listed["modules"]) == (None, ["shop.price"])
    home.remove("fix")
    home.wait_linked(app.pid)
    linked = package.write_patch("linked.diff", text, "strip = 1")
    assert home.add(linked, "--link").state(app.pid) == "active"


def test_several_files_are_one_patch(home: Home, app: Application, package: Package) -> None:
    text = package.diff() + package.diff("shop/stock.py", COUNT)
    apply(home, app, package, text)
    assert app.eval("(shop.price.net(5), shop.stock.count('a'))") == [10, 101]
    home.remove("fix")
    assert app.eval("(shop.price.net(5), shop.stock.count('a'))") == [5, 1]


def test_tests_docs_and_changelogs_are_passed_over(home: Home, app: Application, package: Package) -> None:
    others = ("tests/test_price.py", "docs/index.rst", "CHANGELOG.md", "setup.py")
    text = "".join(git_diff(name, "a = 1\n", "a = 2\n") for name in others) + package.diff()
    changed = home.add(package.write_patch("fix.diff", text))
    assert changed.state(app.pid) == "active"
    assert {name.split("/")[-1] for name in changed.passed_over()} == {name.split("/")[-1] for name in others}


def test_package_module(home: Home, app: Application, package: Package) -> None:
    old = package.files["shop/__init__.py"]
    apply(home, app, package, git_diff("shop/__init__.py", old, old + "\n\ndef fresh():\n    return 7\n"))
    assert app.eval("shop.fresh()") == 7


def test_new_file_becomes_an_importable_module(
    home: Home, app: Application, start: Starter, package: Package
) -> None:
    new = "def answer():\n    return 42\n"
    lines = "".join(f"+{line}" for line in new.splitlines(keepends=True))
    text = (
        "diff --git a/shop/fresh.py b/shop/fresh.py\nnew file mode 100644\nindex 0000000..1111111\n"
        f"--- /dev/null\n+++ b/shop/fresh.py\n@@ -0,0 +1,2 @@\n{lines}"
    )
    change = ("import math\n", "import math\n\nfrom shop.fresh import answer\n")
    home.add(package.write_patch("fix.diff", text + package.diff("shop/price.py", change)))
    assert app.eval("shop.price.answer()") == 42
    later = start()
    later.exec("import shop.price")
    assert later.eval("shop.price.answer()") == 42
    assert not (package.folder / "shop" / "fresh.py").exists()


def test_other_line_ends(home: Home, app: Application, package: Package) -> None:
    apply(home, app, package, package.diff().replace("\n", "\r\n"))
    assert app.eval("shop.price.net(5)") == 10


def test_lines_that_moved(home: Home, connected: Connected, package: Package) -> None:
    text = package.diff()
    path = package.folder / "shop" / "price.py"
    path.write_text("# one\n# two\n# three\n" + path.read_text())
    app = connected("import shop.price")
    changed = home.add(package.write_patch("fix.diff", text))
    assert app.eval("shop.price.net(5)") == 10
    assert changed.state(app.pid) == "active"


def test_two_equal_places_are_refused(home: Home, connected: Connected, package: Package) -> None:
    change = "-        value = 1\n+        value = 2\n"
    hunk = f"@@ -90,3 +90,3 @@\n     def one(self):\n{change}         return value\n"
    (package.folder / "shop" / "twice.py").write_text(body_of_two())
    app = connected("import shop.twice")
    text = f"--- a/shop/twice.py\n+++ b/shop/twice.py\n{hunk}"
    changed = home.add(package.write_patch("fix.diff", text), code=None)
    assert changed.reason(app.pid) == "hunk-conflict"
    assert app.eval("(shop.twice.A().one(), shop.twice.B().one())") == [1, 1]


def body_of_two() -> str:
    """Two classes with the same method."""
    method = "    def one(self):\n        value = 1\n        return value\n"
    return f"class A:\n{method}\n\nclass B:\n{method}"


def test_file_without_newline_at_its_end(home: Home, connected: Connected, package: Package) -> None:
    old = "def last():\n    return 1"
    (package.folder / "shop" / "bare.py").write_text(old)
    app = connected("import shop.bare")
    text = git_diff("shop/bare.py", old, "def last():\n    return 2")
    assert "No newline" in text
    assert home.add(package.write_patch("fix.diff", text)).state(app.pid) == "active"
    assert app.eval("shop.bare.last()") == 2


def test_latin_1_source(home: Home, connected: Connected, package: Package) -> None:
    old = "# -*- coding: latin-1 -*-\ndef name():\n    return 'é'\n"
    (package.folder / "shop" / "accent.py").write_bytes(old.encode("latin-1"))
    app = connected("import shop.accent")
    home.add(
        package.write_patch("fix.diff", git_diff("shop/accent.py", old, old.replace("'é'", "'è' + 'é'")))
    )
    assert app.eval("shop.accent.name()") == "èé"
