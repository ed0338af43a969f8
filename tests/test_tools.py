"""Tools beside us work on patched functions: monitoring, tracing, tracebacks, pickling, type hints."""

from __future__ import annotations

import pytest

from tests.conftest import Connected
from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.interpreters import Interpreter
from tests.rig.package import Package

MONITOR = """
import sys
seen = []
tool = 3
sys.monitoring.use_tool_id(tool, "watcher")
sys.monitoring.register_callback(tool, sys.monitoring.events.LINE, lambda code, line: seen.append(code))
sys.monitoring.set_local_events(tool, shop.price.net.__code__, sys.monitoring.events.LINE)
"""
TRACE = """
import sys
lines = []
def trace(frame, event, argument):
    if frame.f_code.co_name == "net":
        lines.append((event, frame.f_code.co_filename, frame.f_lineno))
        return trace
sys.settrace(trace)
shop.price.net(1)
sys.settrace(None)
"""
RAISE = """
import traceback
try:
    shop.price.net(None)
except TypeError:
    said = traceback.format_exc()
"""


@pytest.fixture
def patched(home: Home, package: Package, connected: Connected) -> Application:
    """A process whose function is patched after it was imported."""
    app = connected()
    app.exec("import shop.price, pickle, typing, inspect")
    app.exec("kept = pickle.dumps(shop.price.net)")
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval("shop.price.net(4)") == 8
    return app


@pytest.mark.every_python
def test_monitored_code_stays_monitored(
    home: Home, package: Package, connected: Connected, interpreter: Interpreter
) -> None:
    if interpreter.release < (3, 12):
        pytest.skip("sys.monitoring is new in Python 3.12")
    app = connected()
    app.exec("import shop.price")
    app.exec(MONITOR)
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval("(shop.price.net(4), seen[-1] is shop.price.net.__code__)") == [8, True]
    home.remove("fix")
    app.exec("seen.clear()")
    assert app.eval("(shop.price.net(4), seen[-1] is shop.price.net.__code__)") == [4, True]


@pytest.mark.every_python
def test_debuggers_and_tracebacks_see_the_patched_lines(patched: Application) -> None:
    patched.exec(TRACE)
    events = patched.eval("[(event, line) for event, _, line in lines]")
    source = patched.eval("inspect.getsourcelines(shop.price.net)")
    assert [event for event, _ in events] == ["call", "line", "return"]
    assert events[0][1] == source[1]
    assert "* 2" in "".join(source[0])
    patched.exec(RAISE)
    assert "* 2" in patched.eval("said")


@pytest.mark.every_python
def test_pickles_and_type_hints_are_as_before(patched: Application) -> None:
    assert patched.eval("pickle.loads(kept) is shop.price.net")
    assert patched.eval("pickle.loads(pickle.dumps(shop.price.net))(4)") == 8
    assert patched.eval("typing.get_type_hints(shop.price.net)") == patched.eval(
        "shop.price.net.__annotations__"
    )
