"""What a call of a patched function costs, and how long an application stands still."""

from __future__ import annotations

from tests.bench.stage import Stage
from tests.bench.table import Row, median_pair, milliseconds, ratio
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


def call(stage: Stage, rounds: int, *, live: bool) -> Row:
    """A function patched at import or live, over the same function edited in its file."""
    package, edited, home = stage.package(), stage.package(), stage.home()
    (edited.folder / "shop" / "price.py").write_text(package.changed("shop/price.py", NET))
    patch = package.write_patch("fix.diff", package.diff())
    if not live:
        home.add(patch)
    patched = stage.application(stage.hooked, package, home)
    plain = stage.application(stage.plain, edited, None)
    for one in (patched, plain):
        one.exec(PREPARE)
    if live:
        home.wait_linked(patched.pid)
        patched.eval("measure(shop.price.net)")
        home.add(patch)
    if patched.eval("shop.price.net(5)") != 10:
        raise RuntimeError("the function is not patched")
    a, b, factor = median_pair(lambda: measure(patched), lambda: measure(plain), rounds)
    goal = "1.00 x" if not live else "1.00 x up to 3.12"
    way = "live" if live else "at import"
    row = ratio(f"call of a function patched {way}, over the edited file", (a, b, factor), goal)
    return Row(row.what, f"{factor:.3f} x ({a * 1e9:.1f} ns over {b * 1e9:.1f} ns)", row.goal)


def measure(app: Application) -> float:
    """Seconds per call."""
    return float(app.eval("measure(shop.price.net)"))


def pause(stage: Stage, rounds: int) -> Row:
    """Longest time that the interpreter lock is held for a body change, with many objects."""
    package, home = stage.package(), stage.home()
    app = stage.application(stage.hooked, package, home)
    app.exec("import shop.price; objects = [[] for _ in range(100_000)]")
    home.wait_linked(app.pid)
    patch = package.write_patch("fix.diff", package.diff())
    pauses = []
    for _ in range(rounds):
        pauses.append(home.add(patch).outcome(app.pid)["pause_us"])
        home.remove("fix")
    pauses.sort()
    found = f"median {pauses[len(pauses) // 2] / 1000:.2f} ms, longest {milliseconds(pauses[-1] / 1e6)}"
    return Row("pause of the application (100,000 objects, body change)", found, "2 ms")
