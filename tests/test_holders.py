"""Functions are found wherever they are held; all objects are looked through only where one may be hidden."""

from __future__ import annotations

import pytest

from tests.conftest import Connected
from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.interpreters import Interpreter
from tests.rig.package import NET, Package

pytestmark = pytest.mark.every_python

SEARCHES = """
import gc, shop.price
searches, search = [], gc.get_referrers
gc.get_referrers = lambda *objects: searches.append(len(objects)) or search(*objects)
"""
HIDDEN = """
import collections, functools, threading, types
import shop.price

class Slotted:
    __slots__ = ("function",)

def twin():
    return types.FunctionType(shop.price.net.__code__, vars(shop.price))

def kept(function):
    yield
    yield function
"""
PLACES = {
    "an object of another module": "one = Slotted(); one.function = twin(); hidden = lambda: one.function",
    "a closure": "hidden = (lambda function: lambda: function)(twin())",
    "a deque": "held = collections.deque([twin()]); hidden = lambda: held[0]",
    "a frame": "frame = kept(twin()); next(frame); hidden = lambda: next(frame)",
    "a thread's locals": "own = threading.local(); own.function = twin(); hidden = lambda: own.function",
    "a wrapper in the module": "shop.price.extra = Slotted(); shop.price.extra.function = twin()\n"
    "hidden = lambda: shop.price.extra.function",
    "a long table": "shop.price.table = dict.fromkeys(range(3000)); shop.price.table[7] = twin()\n"
    "hidden = lambda: shop.price.table[7]",
}


DESCRIPTORS = """
import typing
class Kept:
    def __init__(self, function):
        self.function = function
    def __get__(self, instance, owner=None):
        return self.function

class Only(classmethod):
    pass
"""
REACHED = {
    "cache": ("shop.price.extra = functools.lru_cache(twin())", "shop.price.extra.__wrapped__"),
    "closure": ("shop.price.extra = (lambda one: lambda amount: one(amount))(twin())", "shop.price.extra"),
    "partial": ("shop.price.extra = functools.partial(twin())", "shop.price.extra"),
    "table": ("shop.price.extra = {'a': [twin()]}", "shop.price.extra['a'][0]"),
    "descriptor": ("shop.price.Cart.extra = Kept(twin())", "shop.price.Cart().extra"),
    "subclass": ("shop.price.Cart.extra = Only(twin())", "vars(shop.price.Cart)['extra'].__func__"),
    "property": ("shop.price.Cart.extra = property(twin())", "vars(shop.price.Cart)['extra'].fget"),
    "cached": ("shop.price.Cart.extra = functools.cached_property(twin())", "shop.price.Cart.extra.func"),
    "overload": ("typing.overload(twin())", "[*typing._overload_registry['shop.price']['net'].values()][0]"),
}


def searches(app: Application) -> int:
    """How often all objects were looked through since it was last asked."""
    count: int = app.eval("len(searches)")
    app.exec("searches.clear()")
    return count


def test_a_plain_module_needs_no_search(home: Home, connected: Connected, package: Package) -> None:
    app = connected(SEARCHES)
    change = ("RATE = 20", "RATE = 30")
    for name, changes in {"body": [NET], "value": [change], "both": [change, NET]}.items():
        home.add(package.write_patch(f"{name}.diff", package.diff("shop/price.py", *changes)))
        assert app.eval("shop.price.net(2)") == (2 if name == "value" else 4)
        assert app.eval("shop.price.RATE") == (20 if name == "body" else 30)
        assert set(home.audit().values()) == {"active"}
        home.remove(name)
        assert app.eval("shop.price.net(2), shop.price.RATE") == [2, 20]
        assert searches(app) == 0, name


@pytest.mark.parametrize("place", PLACES)
def test_a_hidden_function_is_found(home: Home, connected: Connected, package: Package, place: str) -> None:
    app = connected(f"{SEARCHES}{HIDDEN}\n{PLACES[place]}")
    home.add(package.write_patch("fix.diff", package.diff()))
    assert searches(app) > 0
    assert app.eval("hidden()(2)") == 4
    if place != "a frame":
        home.remove("fix")
        assert app.eval("hidden()(2)") == 2


@pytest.mark.parametrize("place", REACHED)
def test_a_function_within_the_module_needs_no_search(
    home: Home, connected: Connected, package: Package, interpreter: Interpreter, place: str
) -> None:
    if place == "overload" and interpreter.release < (3, 11):
        pytest.skip("typing keeps no overloads before 3.11")
    statement, found = REACHED[place]
    app = connected(f"{SEARCHES}{HIDDEN}{DESCRIPTORS}\n{statement}")
    assert app.eval(f"{found}(2)") == 2
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval(f"{found}(2)") == 4
    assert searches(app) == 0
