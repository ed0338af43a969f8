"""`patchctl remove`, `enable`, `disable`, `off` and `on`: the very same objects come back."""

from __future__ import annotations

import pytest

from tests.conftest import Connected, Starter
from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import COUNT, Package, git_diff
from tests.rig.waiting import until_equal

IDENTITIES = (
    "[id(shop.price.net), id(shop.price.net.__code__), id(shop.price.net.__defaults__),"
    " id(shop.price.total), id(shop.price.total.__code__), id(shop.price.total.__defaults__)]"
)


@pytest.mark.every_python
def test_originals_come_back(home: Home, app: Application, package: Package) -> None:
    before = app.eval(IDENTITIES)
    changes = (
        ("    return amount\n\n\n", "    return amount * 2\n\n\n"),
        ("def total(amount, tax=RATE):", "def total(amount, tax=RATE * 2):"),
    )
    home.add(package.write_patch("fix.diff", package.diff("shop/price.py", *changes)))
    assert app.eval("shop.price.total(5)") == 50
    assert app.eval(IDENTITIES) != before
    assert home.remove("fix").state(app.pid) is None
    assert app.eval("shop.price.total(5)") == 25
    assert app.eval(IDENTITIES) == before


@pytest.mark.every_python
def test_a_hundred_rounds_leave_nothing(home: Home, app: Application, package: Package) -> None:
    path = package.write_patch("fix.diff", package.diff())
    before = app.eval(IDENTITIES)
    for _ in range(10):
        home.add(path)
        assert app.eval("shop.price.net(5)") == 10
        home.remove("fix")
        assert app.eval("shop.price.net(5)") == 5
    assert app.eval(IDENTITIES) == before


def test_a_way_back_that_is_closed_is_told(home: Home, start: Starter, package: Package) -> None:
    """What a module was imported with can't always be undone: then `remove` says so, and audits, too."""
    path = package.folder / "shop" / "item.py"
    old = 'class Item:\n    __slots__ = ("name", "price")\n\n\ndef slots():\n    return Item.__slots__\n'
    new = old.replace('("name", "price")', '("name",)').replace("return Item", "return 2 * Item")
    path.write_text(old)
    home.add(package.write_patch("slots.diff", git_diff("shop/item.py", old, new)))
    app = start()
    app.exec("import shop.item")
    patched = app.eval("shop.item.slots()")
    assert patched == ["name"] * 2
    removed = home.remove("slots", code=3)
    assert removed.state(app.pid) == "failed"
    assert "it can't be taken out" in removed.outcome(app.pid)["refusal"]["detail"]
    assert app.eval("shop.item.slots()") == patched
    assert "it can't be taken out" in home.run("audit", "--check", code=1).out
    home.add(package.folder.parent / "slots.diff")
    home.wait_state(app.pid, "slots", "active")


def test_disable_and_enable(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    home.run("disable", "fix")
    assert app.eval("shop.price.net(5)") == 5
    assert [patch["enabled"] for patch in home.json("list")["patches"]] == [False]
    home.run("enable", "fix")
    assert app.eval("shop.price.net(5)") == 10
    assert [patch["enabled"] for patch in home.json("list")["patches"]] == [True]


def test_off_and_on(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("one.diff", package.diff()))
    home.add(package.write_patch("two.diff", package.diff("shop/stock.py", COUNT)))
    home.run("off")
    until_equal(lambda: app.eval("(shop.price.net(5), shop.stock.count('a'))"), [5, 1])
    assert len(home.json("list")["patches"]) == 2
    home.run("on")
    until_equal(lambda: app.eval("(shop.price.net(5), shop.stock.count('a'))"), [10, 101])


def test_removing_an_unknown_patch(home: Home) -> None:
    home.start()
    result = home.run("remove", "nothing", code=5)
    assert "nothing" in result.err


def test_removed_file_is_a_removed_patch(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    (home.patches / "fix.diff").unlink()
    until_equal(lambda: app.eval("shop.price.net(5)"), 5)
    assert home.json("list")["patches"] == []


def test_patch_applied_at_import_is_undone_live(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    app.exec("import sys; del sys.modules['shop.price'], sys.modules['shop']; import shop.price")
    assert app.eval("shop.price.net(5)") == 10
    home.remove("fix")
    assert app.eval("shop.price.net(5)") == 5


def test_what_statements_changed_in_place_is_put_back(
    home: Home, connected: Connected, package: Package
) -> None:
    """Values made anew are completed by the statements after them; the others hold again what they held."""
    old = (
        "squares = {}\nfor n in range(3):\n    squares[n] = n\n"
        "names = ['a']\nnames.append('b')\n"
        "extra = {'a': 1}\nextra['b'] = 2\n"
    )
    new = old.replace("= n\n", "= n * n\n").replace("append('b')", "append('c')").replace("'a': 1", "'a': 7")
    (package.folder / "shop" / "filled.py").write_text(old)
    app = connected("import shop.filled")
    held = "[sorted(shop.filled.squares.items()), shop.filled.names, sorted(shop.filled.extra.items())]"
    before = app.eval(held)
    path = package.write_patch("fix.diff", git_diff("shop/filled.py", old, new))
    stale = home.add(path).outcome(app.pid)["stale"]
    assert [one["name"] for one in stale] == ["names.append('b')"]
    assert app.eval(held) == [[[0, 0], [1, 1], [2, 4]], ["a", "b", "c"], [["a", 7], ["b", 2]]]
    home.remove("fix")
    assert app.eval(held) == before
    home.add(path)
    app.exec("shop.filled.squares[5] = 25; shop.filled.names.append('d')")
    home.remove("fix")
    assert app.eval(held) == [[*before[0], [5, 25]], ["a", "b", "d"], before[2]]


@pytest.mark.parametrize("statement", ["", "LIMIT = 9\n"], ids=["functions alone", "statements too"])
def test_what_a_patch_computed_at_import_is_told_when_it_goes(
    home: Home, start: Starter, package: Package, statement: str
) -> None:
    """Values that a module computed with the patch stay, in it and in its importers; they are named."""
    old = "def build():\n    return 1\n\n\nVALUE = build()\n\n\ndef get(one=build()):\n    return one\n"
    new = old.replace("return 1", "return 2") + statement
    (package.folder / "shop" / "made.py").write_text(old)
    (package.folder / "shop" / "user.py").write_text("from shop.made import build\n\nOWN = build()\n")
    home.add(package.write_patch("fix.diff", git_diff("shop/made.py", old, new)))
    app = start()
    app.exec("import shop.user, shop.made")
    held = "[shop.made.build(), shop.made.VALUE, shop.made.get(), shop.user.OWN]"
    assert app.eval(held) == [2, 2, 2, 2]
    outcome = home.remove("fix").outcome(app.pid)
    assert outcome["state"] is None
    assert app.eval(held)[0] == 1
    left = [name for name, value in zip(["VALUE", "get", "OWN"], app.eval(held)[1:]) if value == 2]
    assert [one["name"] for one in outcome["stale"]] == left
    assert "VALUE" in left
    assert all(one["line"] and one["file"] for one in outcome["stale"])
    rows = [line for line in home.run("audit").out.splitlines() if "stale" in line]
    assert [name for name in left if not any(f":{name} " in row for row in rows)] == []
    home.add(package.folder.parent / "fix.diff")
    assert app.eval("shop.made.build()") == 2
    home.remove("fix")
    assert app.eval("shop.made.build()") == 1


def test_an_entry_goes_with_its_statement_and_comes_back(
    home: Home, connected: Connected, package: Package
) -> None:
    """Entries that a loop may have put there, or that stand in the table itself, stay and are told."""
    old = (
        "TABLE = {}\nTABLE['a'] = 1\nTABLE['b'] = 2\n"
        "LOOPED = {}\nfor name in 'cd':\n    LOOPED[name] = 1\nLOOPED['c'] = 2\n"
        "SHOWN = {'e': 1}\nSHOWN['e'] = 2\n"
    )
    new = old.replace("TABLE['b'] = 2\n", "").replace("LOOPED['c'] = 2\n", "").replace("SHOWN['e'] = 2\n", "")
    (package.folder / "shop" / "table.py").write_text(old)
    app = connected("import shop.table\ntable = shop.table.TABLE")
    held = "[sorted(one.items()) for one in (shop.table.TABLE, shop.table.LOOPED, shop.table.SHOWN)]"
    before = app.eval(held)
    stale = home.add(package.write_patch("fix.diff", git_diff("shop/table.py", old, new))).outcome(app.pid)[
        "stale"
    ]
    assert [(one["name"], one["line"]) for one in stale] == [("LOOPED['c'] = 2", 7), ("SHOWN['e'] = 2", 9)]
    assert app.eval(held) == [[["a", 1]], *before[1:]]
    home.remove("fix")
    assert app.eval(held) == before
