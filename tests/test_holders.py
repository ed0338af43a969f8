"""Functions are found wherever they are held; all objects are looked through only where one may be hidden."""

from __future__ import annotations

import pytest

from tests.conftest import Connected
from tests.rig.application import Application
from tests.rig.home import Home
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


def test_wrapped_functions_of_the_module_need_no_search(
    home: Home, connected: Connected, package: Package
) -> None:
    app = connected(
        f"{SEARCHES}\nimport functools\n"
        "shop.price.cached = functools.lru_cache(shop.price.net)\n"
        "shop.price.doubled = functools.wraps(shop.price.net)(lambda amount: 2 * shop.price.net(amount))\n"
        "shop.price.table = {'part': functools.partial(shop.price.net, 3), 'all': [shop.price.total]}\n"
    )
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval("shop.price.cached(2), shop.price.doubled(2), shop.price.table['part']()") == [4, 8, 6]
    assert searches(app) == 0
