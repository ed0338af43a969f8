"""Python patches: a file that mirrors the module."""

from __future__ import annotations

import pytest

from tests.conftest import Connected, Starter
from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import Package, with_header

HEADER = 'module = "shop.price"'
BODY = """
import operator

BONUS = 3
RATE = 50


def net(amount):
    return operator.add(amount, BONUS)


def fresh():
    return "fresh"


class Cart:
    currency = "CHF"

    def size(self):
        return len(self.items)

    def sum(self):
        return -1


class Basket(Cart):
    pass
"""


@pytest.mark.every_python
def test_everything_a_mirror_can_hold(home: Home, app: Application, package: Package) -> None:
    app.exec("cart = shop.price.Cart().add(1); before = vars(shop.price).copy()")
    changed = home.add(package.write_patch("fix.py", with_header(HEADER, BODY)))
    assert changed.state(app.pid) == "active", changed.document
    got = app.eval(
        "(shop.price.net(1), shop.price.fresh(), shop.price.RATE, cart.currency, cart.size(), cart.sum(),"
        " shop.price.Basket().sum(), shop.price.Cart().add(2).items)"
    )
    assert got == [4, "fresh", 50, "CHF", 1, -1, -1, [2]]
    home.remove("fix")
    assert app.eval("all(vars(shop.price).get(name) is value for name, value in before.items())") is True
    assert app.eval("(cart.currency, hasattr(cart, 'size'), hasattr(shop.price, 'Basket'))") == [
        "EUR",
        False,
        False,
    ]


@pytest.mark.every_python
def test_at_import(home: Home, start: Starter, package: Package) -> None:
    home.add(package.write_patch("fix.py", with_header(HEADER, BODY)))
    app = start()
    app.exec("import shop.price")
    assert app.eval("(shop.price.net(1), shop.price.RATE, shop.price.Basket().currency)") == [4, 50, "CHF"]


@pytest.mark.every_python
def test_module_without_source(home: Home, start: Starter, package: Package) -> None:
    compile_it = "import py_compile, os; py_compile.compile({0!r}, cfile={0!r} + 'c'); os.unlink({0!r})"
    path = str(package.folder / "shop" / "stock.py")
    home.start()
    app = start()
    app.exec(compile_it.format(path))
    app.exec("import shop.stock")
    home.wait_linked(app.pid)
    patch = with_header('module = "shop.stock"', "def count(name):\n    return 9\n")
    assert home.add(package.write_patch("fix.py", patch)).state(app.pid) == "active"
    assert app.eval("(shop.stock.count(''), shop.stock.has(''))") == [9, True]
    home.remove("fix")
    assert app.eval("shop.stock.count('')") == 0


def test_diff_for_a_module_without_source(home: Home, start: Starter, package: Package) -> None:
    home.start()
    app = start()
    path = str(package.folder / "shop" / "stock.py")
    app.exec(
        f"import py_compile, os; py_compile.compile({path!r}, cfile={path!r} + 'c'); os.unlink({path!r})"
    )
    app.exec("import shop.stock")
    home.wait_linked(app.pid)
    text = package.diff("shop/stock.py", ("    return len(name)\n", "    return 0\n"))
    assert home.add(package.write_patch("fix.diff", text), code=None).reason(app.pid) == "needs-source"


def test_without_a_module_in_the_header(home: Home, package: Package) -> None:
    home.start()
    result = home.run("add", package.write_patch("fix.py", "def net(amount):\n    return 0\n"), code=None)
    assert result.code != 0
    assert "module" in result.err


def test_methods_with_super_and_private_names(home: Home, connected: Connected, package: Package) -> None:
    (package.folder / "shop" / "deep.py").write_text(
        "class Base:\n    def who(self):\n        return 'base'\n\n\n"
        "class Child(Base):\n    __secret = 1\n\n    def who(self):\n        return 'child'\n\n"
        "    def tell(self):\n        return 0\n"
    )
    app = connected("import shop.deep; child = shop.deep.Child()")
    text = (
        "class Child:\n    def who(self):\n        return super().who() + '+child'\n\n"
        "    def tell(self):\n        return self.__secret\n"
    )
    home.add(package.write_patch("fix.py", text, 'module = "shop.deep"'))
    assert app.eval("(child.who(), child.tell())") == ["base+child", 1]
