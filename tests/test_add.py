"""`patchctl add`: into running processes, at import, dry runs, links, ids, waiting, exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Connected, Starter
from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import COUNT, NET, Package
from tests.rig.waiting import stays, until_equal


@pytest.mark.every_python
def test_running_process_gets_the_fix(home: Home, app: Application, package: Package) -> None:
    app.exec("held = shop.price.net")
    assert app.eval("shop.price.net(5)") == 5
    changed = home.add(package.write_patch("fix.diff", package.diff()))
    assert changed.state(app.pid) == "active"
    assert app.eval("(shop.price.net(5), held(5), shop.price.Cart().add(5).sum())") == [10, 10, 30]


@pytest.mark.every_python
@pytest.mark.parametrize("idle", ["block", "select"])
def test_idle_ways(home: Home, start: Starter, package: Package, idle: str) -> None:
    home.start()
    app = start(idle=idle)
    app.exec("import shop.price")
    home.wait_linked(app.pid)
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval("shop.price.net(5)") == 10


def test_busy_process_gets_the_fix(home: Home, app: Application, package: Package) -> None:
    app.exec(
        "import threading\n"
        "seen = []\n"
        "def spin():\n"
        "    while shop.price.net(1) == 1:\n"
        "        pass\n"
        "    seen.append(shop.price.net(1))\n"
        "threading.Thread(target=spin, daemon=True).start()\n"
    )
    home.add(package.write_patch("fix.diff", package.diff()))
    until_equal(lambda: app.eval("seen"), [2])


def test_module_not_yet_imported_waits(home: Home, connected: Connected, package: Package) -> None:
    app = connected()
    changed = home.add(package.write_patch("fix.diff", package.diff()))
    assert changed.state(app.pid) == "waiting"
    app.exec("import shop.price")
    assert app.eval("shop.price.net(5)") == 10
    home.wait_state(app.pid, "fix", "active")


def test_dry_run_changes_nothing(home: Home, app: Application, package: Package) -> None:
    changed = home.add("--dry-run", package.write_patch("fix.diff", package.diff()))
    assert app.eval("shop.price.net(5)") == 5
    assert home.json("list")["patches"] == []
    assert list(home.patches.glob("*")) == []
    assert changed.outcome(app.pid)["process"]["pid"] == app.pid


def test_dry_run_says_what_would_be_refused(home: Home, app: Application, package: Package) -> None:
    stranger = package.diff().replace("return amount", "return something_else")
    changed = home.add("--dry-run", package.write_patch("fix.diff", stranger), code=None)
    assert changed.reason(app.pid) == "hunk-conflict"


def test_several_files_at_once(home: Home, app: Application, package: Package) -> None:
    one = package.write_patch("one.diff", package.diff())
    two = package.write_patch("two.diff", package.diff("shop/stock.py", COUNT))
    assert sorted(home.add(one, two).ids()) == ["one", "two"]
    assert app.eval("(shop.price.net(5), shop.stock.count('ab'))") == [10, 102]


def test_from_standard_input(home: Home, app: Application, package: Package) -> None:
    result = home.run("--json", "add", "-", "--id", "piped", "--type", "diff", stdin=package.diff())
    assert result.json["patches"][0]["id"] == "piped"
    assert app.eval("shop.price.net(5)") == 10


def test_id_and_reason_are_kept(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()), "--id", "CVE-1", "--reason", "a hole")
    (patch,) = home.json("list")["patches"]
    assert patch["id"] == "CVE-1"
    assert patch["header"]["reason"] == "a hole"
    assert home.state(app.pid, "CVE-1") == "active"


def test_second_patch_of_an_id_needs_replace(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    other = package.write_patch(
        "fix.diff", package.diff("shop/price.py", (NET[0], "    return amount * 3\n"))
    )
    refused = home.run("add", other, code=None)
    assert refused.code not in {0, 2}
    assert app.eval("shop.price.net(5)") == 10
    home.add("--overwrite", other)
    assert app.eval("shop.price.net(5)") == 15


def test_link_follows_the_file(home: Home, app: Application, package: Package) -> None:
    path = package.write_patch("fix.diff", package.diff())
    home.add("--link", path)
    assert (home.patches / "fix.diff").is_symlink()
    path.write_text(package.diff("shop/price.py", (NET[0], "    return amount * 7\n")))
    until_equal(lambda: app.eval("shop.price.net(1)"), 7)


def test_expires_by_itself(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()), "--for", "2s")
    assert app.eval("shop.price.net(5)") == 10
    until_equal(lambda: app.eval("shop.price.net(5)"), 5)


def test_patches_stack(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("a.diff", package.diff()))
    second = package.diff(
        "shop/price.py", ("    return net(amount) + tax\n", "    return net(amount) - tax\n")
    )
    home.add(package.write_patch("b.diff", second))
    assert app.eval("shop.price.total(50)") == 80
    home.remove("a")
    assert app.eval("shop.price.total(50)") == 30
    home.remove("b")
    assert app.eval("shop.price.total(50)") == 70


def test_two_patches_of_one_line_conflict(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("a.diff", package.diff()))
    other = package.diff("shop/price.py", (NET[0], "    return amount * 3\n"))
    result = home.run("--json", "add", package.write_patch("b.diff", other), code=None)
    assert result.code != 0
    assert app.eval("shop.price.net(5)") == 10


def test_unfit_patch_is_refused_and_says_where(home: Home, app: Application, package: Package) -> None:
    stranger = package.diff().replace("return amount", "return something_else")
    changed = home.add(package.write_patch("fix.diff", stranger), code=3)
    assert changed.reason(app.pid) == "hunk-conflict"
    assert "something_else" in changed.outcome(app.pid)["refusal"]["detail"]
    assert app.eval("shop.price.net(5)") == 5


def test_one_line_per_process_and_a_summary(home: Home, app: Application, package: Package) -> None:
    said = home.run("add", package.write_patch("fix.diff", package.diff()))
    text = said.out + said.err
    assert str(app.pid) in text
    for word in ("patched", "waiting", "skipped", "failed"):
        assert word in text


@pytest.mark.every_python
def test_many_kinds_of_change_at_once(home: Home, app: Application, package: Package) -> None:
    changes = (
        ("import math\n", "import math\nimport operator\n"),
        ("RATE = 20\n", "RATE = 30\nFLOOR = 1\n"),
        ('LIMITS = {"low": 1, "high": 100}\n', 'LIMITS = {"low": 2, "high": 100}\n'),
        (
            "    return amount\n\n\n",
            "    return operator.add(amount, FLOOR)\n\n\ndef half(amount):\n    return amount / 2\n\n\n",
        ),
        ('    currency = "EUR"\n', '    currency = "CHF"\n    rate = 3\n'),
        (
            "    def sum(self):\n",
            "    def size(self):\n        return len(self.items)\n\n    def sum(self, factor=1):\n",
        ),
        ("sum(total(item) for item in self.items)", "factor * sum(total(item) for item in self.items)"),
    )
    app.exec("cart = shop.price.Cart().add(1)\nbefore = vars(shop.price).copy()")
    home.add(package.write_patch("fix.diff", package.diff("shop/price.py", *changes)))
    got = app.eval(
        "(shop.price.net(5), shop.price.half(4), shop.price.RATE, shop.price.FLOOR, shop.price.LIMITS['low'],"
        " cart.currency, cart.rate, cart.size(), cart.sum(2), shop.price.total(1))"
    )
    assert got == [6, 2, 30, 1, 2, "CHF", 3, 1, 64, 32]
    home.remove("fix")
    assert app.eval("all(vars(shop.price).get(name) is value for name, value in before.items())") is True
    assert app.eval("sorted(set(vars(shop.price)) - set(before))") == []
    assert app.eval("(cart.sum(), hasattr(cart, 'size'), cart.currency)") == [21, False, "EUR"]


def test_process_without_the_module_is_left_alone(home: Home, connected: Connected, package: Package) -> None:
    app = connected()
    home.add(package.write_patch("fix.diff", package.diff()), "--wait", "1")
    stays(lambda: app.eval("'shop.price' in __import__('sys').modules"), False)


def test_file_that_is_not_there(home: Home, folder: Path) -> None:
    result = home.run("add", folder / "absent.diff", code=5)
    assert "absent.diff" in result.err
