"""Faults of ours in a process: its originals are in place, the fault is told, and other processes go on."""

from __future__ import annotations

import pytest

from tests.conftest import Starter
from tests.rig.home import Home
from tests.rig.package import COUNT, Package
from tests.rig.waiting import until_equal

pytestmark = [pytest.mark.fault]
# The collector's function is ours to call while a patch is prepared. What it raises is an error of Python or,
# with the class that our own panics have in Python, a panic that goes on in our code.
BREAK = """
import gc, shop.price, shop.stock
working, raised = gc.get_referents, []
def get_referents(*objects):
    if raised:
        raise raised.pop()
    return working(*objects)
gc.get_referents = get_referents
def panic():
    (found,) = [one for one in BaseException.__subclasses__() if one.__name__ == "PanicException"]
    return found("broken on purpose")
"""
RESUMED = "--- PyO3 is resuming a panic after fetching a PanicException from Python. ---"


@pytest.mark.every_python
def test_faults_of_ours(home: Home, start: Starter, package: Package) -> None:
    home.start()
    app, other = start(), start()
    app.exec(BREAK)
    other.exec("import shop.price, shop.stock")
    home.wait_linked(app.pid, other.pid)
    fix = package.write_patch("fix.diff", package.diff())
    home.add(package.write_patch("stock.diff", package.diff("shop/stock.py", COUNT)))
    assert app.eval("shop.stock.count('')") == 100

    app.exec("raised.append(ValueError('broken'))")
    failed = home.add(fix, code=None)
    assert (failed.state(app.pid), failed.reason(app.pid)) == ("failed", "internal")
    assert failed.state(other.pid) == "active"
    assert app.eval("(shop.price.net(5), shop.stock.count(''))") == [5, 100]
    home.remove("fix")

    app.exec("raised.append(panic())")
    failed = home.add(fix, code=None)
    assert (failed.state(app.pid), failed.reason(app.pid)) == ("failed", "internal"), failed.document
    assert failed.state(other.pid) == "active"
    until_equal(lambda: app.eval("(shop.price.net(5), shop.stock.count(''))"), [5, 0])
    rows = {row["process"]["pid"]: row["disabled"] for row in home.json("audit")["processes"]}
    assert rows[other.pid] is None
    assert "broken on purpose" in rows[app.pid]
    assert "the hook is disabled" in home.run("audit", "--check", code=1).err
    told = [entry for entry in home.json("history")["entries"] if entry["event"] == "disabled"]
    assert [entry["pid"] for entry in told] == [app.pid]
    app.exec("import sys; del sys.modules['shop.price']; import shop.price")
    assert app.eval("shop.price.net(5)") == 5, "it takes no more patches"
    home.remove("fix", "stock")
    assert other.eval("(shop.price.net(5), shop.stock.count(''))") == [5, 0]
    assert app.close() == 0
    first, *lines = app.said().splitlines()
    assert (first, lines[-1]) == (RESUMED, "pyo3_runtime.PanicException: broken on purpose"), "that is PyO3's"
    assert (other.close(), other.said()) == (0, "")
