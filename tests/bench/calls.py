"""What a call of a patched function costs, and how long an application stands still."""

from __future__ import annotations

from pathlib import Path

from tests.bench.stage import Stage
from tests.bench.table import Row, median_pair, milliseconds
from tests.rig.application import Application
from tests.rig.package import NET

PREPARE = (
    "import time, shop.price\n"
    "def measure(f, n=200_000):\n"
    "    best = 1e9\n"
    "    for _ in range(5):\n"
    "        begin = time.perf_counter()\n"
    "        for _ in range(n): f(1)\n"
    "        best = min(best, time.perf_counter() - begin)\n"
    "    return best / n\n"
)


def call(stage: Stage, rounds: int) -> Row:
    """A function patched at import, over the same function edited in its file."""
    package, edited, home = stage.package(), stage.package(), stage.home()
    (edited.folder / "shop" / "price.py").write_text(package.changed("shop/price.py", NET))
    home.add(package.write_patch("fix.diff", package.diff()))
    patched = stage.application(stage.hooked, package, home)
    plain = stage.application(stage.plain, edited, None)
    for one in (patched, plain):
        one.exec(PREPARE)
    if patched.eval("shop.price.net(5)") != 10:
        raise RuntimeError("the function is not patched")
    a, b, factor = median_pair(lambda: measure(patched), lambda: measure(plain), rounds)
    found = f"{factor:.3f} x ({a * 1e9:.1f} ns over {b * 1e9:.1f} ns)"
    return Row("call of a function patched at import, over the edited file", found, "1.00 x")


def measure(app: Application) -> float:
    """Seconds per call."""
    return float(app.eval("measure(shop.price.net)"))


LOOPS = (Path(__file__).resolve().parents[1] / "targets" / "loops.py").read_text()
FIXED = LOOPS.replace("return self.amount", "return self.amount + 1").replace("return one", "return one + 1")


def live_kinds(stage: Stage, rounds: int) -> list[Row]:
    """A function, a method and a property's getter patched live, over the same edited in their file."""
    package, edited, home = stage.package(), stage.package(), stage.home()
    (package.folder / "loops.py").write_text(LOOPS)
    (edited.folder / "loops.py").write_text(FIXED)
    package.files["loops.py"] = LOOPS
    patched = stage.application(stage.hooked, package, home)
    plain = stage.application(stage.plain, edited, None)
    for one in (patched, plain):
        one.exec("import loops; bench = loops.Bench()")
    home.wait_linked(patched.pid)
    for name in ("function", "method", "getter"):
        patched.eval(f"bench.seconds({name!r})")
    home.add(package.write_patch("fix.diff", package.diff("loops.py", (LOOPS, FIXED))))
    if patched.eval("loops.net(1), loops.Price().net(1), loops.Price().half") != [2, 2, 2]:
        raise RuntimeError("the functions are not patched")
    return [live_kind(name, patched, plain, rounds) for name in ("function", "method", "getter")]


def live_kind(name: str, patched: Application, plain: Application, rounds: int) -> Row:
    """One of them."""
    question = f"bench.seconds({name!r})"
    a, b, factor = median_pair(lambda: patched.eval(question), lambda: plain.eval(question), rounds)
    found = f"{factor:.3f} x ({a * 1e9:.1f} ns over {b * 1e9:.1f} ns)"
    what = f"call of a {name} patched live, called before, over the edited file"
    return Row(what, found, "1.00 x up to 3.12")


COLLECTOR = (
    "import gc, time\n"
    "def pass_over():\n"
    "    begin = time.perf_counter(); gc.get_referrers(shop.price.__dict__)\n"
    "    return time.perf_counter() - begin\n"
)


CACHED = """

import functools


@functools.lru_cache(maxsize=None)
def remembered(amount):
    return net(amount)


@functools.lru_cache(maxsize=None)
def doubled(amount):
    return remembered(amount) * 2
"""


HELD = """
import types
class Elsewhere:
    __slots__ = ("function",)
elsewhere = Elsewhere()
elsewhere.function = types.FunctionType(shop.price.net.__code__, vars(shop.price))
"""
"""A function of the module that is not found from its namespace."""


def pause(stage: Stage, rounds: int, objects: int, goal: str, *manner: str, held: str = "") -> Row:
    """Longest time that the interpreter lock is held for a body change, over one pass of the collector.

    `manner` are options of `patchctl add`. Two caches are filled that hold what the function answered. `held`
    are statements run in the application before.
    """
    package, home = stage.package(), stage.home()
    package.files["shop/price.py"] += CACHED
    (package.folder / "shop" / "price.py").write_text(package.files["shop/price.py"])
    app = stage.application(stage.hooked, package, home)
    app.exec(f"import shop.price; objects = [[] for _ in range({objects})]\n{COLLECTOR}{held}")
    home.wait_linked(app.pid)
    patch = package.write_patch("fix.diff", package.diff())

    def paused() -> float:
        app.eval("[shop.price.doubled(amount) for amount in range(100)][0]")
        microseconds = home.add(patch, *manner).outcome(app.pid)["pause_us"]
        home.remove("fix")
        return float(microseconds) / 1e6

    a, b, factor = median_pair(paused, lambda: app.eval("pass_over()"), rounds)
    found = f"median {milliseconds(a)}, {factor:.2f} x one `gc.get_referrers` ({milliseconds(b)})"
    what = "body change, one function held elsewhere" if held else "body change"
    change = " ".join([what, *(f"`{option}`" for option in manner[:1])])
    return Row(f"pause of the application ({objects:,} objects, {change})", found, goal)


IMPORTER = "from shop.price import RATE\n\nDOUBLE = RATE * 2\n" + "".join(
    f"\n\ndef number_{number}(amount):\n    return amount + RATE + {number}\n" for number in range(100)
)
NEW_RATE = ("RATE = 20", "RATE = 25")


def pause_with_importers(stage: Stage, rounds: int, importers: int, goal: str) -> Row:
    """The same for a change of a value that many modules import."""
    package, home = stage.package(), stage.home()
    names = [f"number_{number}" for number in range(importers)]
    for name in names:
        (package.folder / "shop" / f"{name}.py").write_text(IMPORTER)
    app = stage.application(stage.hooked, package, home)
    app.exec(f"import importlib, shop.price\n{COLLECTOR}")
    app.exec(f"for name in {names!r}: importlib.import_module('shop.' + name)")
    home.wait_linked(app.pid)
    value = package.write_patch("value.diff", package.diff("shop/price.py", NEW_RATE))

    def paused() -> float:
        microseconds = home.add(value).outcome(app.pid)["pause_us"]
        if app.eval(f"shop.{names[-1]}.RATE") != 25:
            raise RuntimeError("an importer does not have the new value")
        home.remove("value")
        return float(microseconds) / 1e6

    a, b, factor = median_pair(paused, lambda: app.eval("pass_over()"), rounds)
    found = f"median {milliseconds(a)}, {factor:.2f} x one `gc.get_referrers` ({milliseconds(b)})"
    return Row(f"pause with {importers:,} importers of a changed value", found, goal)
