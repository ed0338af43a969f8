"""`add --quiesce`: a patch that goes in only while nobody is within what it changes; `--force`: even so."""

from __future__ import annotations

import threading

import pytest

from tests.conftest import Starter
from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import Package, git_diff
from tests.rig.waiting import until

BUSY = '''\
"""Functions that take their time."""


def held(event):
    event.wait()
    return "old"


def outer(event):
    return held(event)


def generated():
    yield "old"
    yield "old"


async def awaited():
    return "old"


async def streamed():
    yield "old"
    yield "old"


def made():
    def inner():
        yield "old"

    return inner()


def free():
    return "old"
'''
SUSPENDED = {
    "generator": "one = m.generated(); next(one)",
    "generator that did not begin": "one = m.generated()",
    "coroutine": "one = m.awaited()",
    "async generator": ("one = m.streamed()\ntry: one.__anext__().send(None)\nexcept StopIteration: pass"),
    "inner generator": "one = m.made()",
}


@pytest.fixture
def busy(home: Home, start: Starter, package: Package) -> Application:
    (package.folder / "shop" / "busy.py").write_text(BUSY)
    home.start()
    app = start()
    app.exec("import threading, time, shop.busy as m; event = threading.Event(); got = []")
    home.wait_linked(app.pid)
    return app


def patch(package: Package) -> str:
    return str(
        package.write_patch("fix.diff", git_diff("shop/busy.py", BUSY, BUSY.replace('"old"', '"new"')))
    )


def hold(app: Application) -> None:
    """Have a thread within the functions."""
    app.exec("thread = threading.Thread(target=lambda: got.append(m.outer(event)), name='worker')")
    app.exec("thread.start()")
    until(lambda: app.eval("len(event._cond._waiters)"), lambda seen: seen == 1, what="the thread to wait")


@pytest.mark.every_python
def test_given_up_with_pid_thread_and_stack(home: Home, busy: Application, package: Package) -> None:
    hold(busy)
    changed = home.add(patch(package), "--quiesce", "0.4", code=3)
    assert (changed.state(busy.pid), changed.reason(busy.pid)) == ("skipped", "in-use")
    detail = changed.outcome(busy.pid)["refusal"]["detail"]
    for word in (f"process {busy.pid}", "thread worker (", "held (busy.py:5)", "outer (busy.py:10)"):
        assert word in detail, detail
    assert busy.eval("m.free()") == "old"
    assert "in-use" in home.run("audit").out
    busy.exec("event.set(); thread.join()")
    assert busy.eval("got") == ["old"]
    home.json("disable", "fix")
    again = home.json("enable", "fix")["processes"]
    assert [one["state"] for one in again if one["process"]["pid"] == busy.pid] == ["active"]
    assert busy.eval("(m.held(event), m.free())") == ["new", "new"]


def test_put_in_when_the_last_call_ends_and_nothing_waits_meanwhile(
    home: Home, busy: Application, package: Package
) -> None:
    hold(busy)
    answers: list[str | None] = []
    path = patch(package)
    adding = threading.Thread(
        target=lambda: answers.append(home.add(path, "--quiesce", "30").state(busy.pid)), daemon=True
    )
    adding.start()
    waits = until(
        lambda: next(row for row in home.json("audit")["processes"] if row["process"]["pid"] == busy.pid),
        lambda row: bool(row["patches"]) and row["patches"][0]["refusal"] is not None,
        what="the patch to wait",
    )
    assert (waits["patches"][0]["state"], waits["patches"][0]["refusal"]["reason"]) == ("waiting", "in-use")
    assert busy.eval("m.free()", seconds=1) == "old"
    other = home.add(package.write_patch("net.diff", package.diff()))
    assert other.state(busy.pid) == "waiting"
    busy.exec("import shop.price")
    assert busy.eval("shop.price.net(1)") == 2
    busy.exec("event.set(); thread.join()")
    adding.join(20)
    assert answers == ["active"]
    assert busy.eval("(got, m.free(), m.held(event))") == [["old"], "new", "new"]
    home.remove("fix")
    assert busy.eval("(m.free(), m.held(event))") == ["old", "old"]


@pytest.mark.every_python
def test_suspended_calls_count(home: Home, busy: Application, package: Package) -> None:
    path = patch(package)
    for name, begin in SUSPENDED.items():
        busy.exec(begin)
        changed = home.add(path, "--quiesce", "0.1", "--overwrite", code=3)
        assert changed.reason(busy.pid) == "in-use", f"{name}: {changed.document}"
        busy.exec("getattr(one, 'close', lambda: None)(); del one; import gc; gc.collect()")
        home.remove("fix")
    assert home.add(path, "--quiesce", "0.1").state(busy.pid) == "active"


def test_force_is_recorded_for_ever(home: Home, busy: Application, package: Package) -> None:
    hold(busy)
    changed = home.add(patch(package), "--quiesce", "0.2", "--force")
    assert changed.state(busy.pid) == "active"
    assert "thread worker (" in changed.outcome(busy.pid)["forced"]
    assert busy.eval("m.free()") == "new"
    report = next(row for row in home.json("audit")["processes"] if row["process"]["pid"] == busy.pid)
    assert "held (busy.py:5)" in report["patches"][0]["forced"]
    assert home.json("show", "fix")["patch"]["header"]["force"] is True
    busy.exec("event.set(); thread.join()")
    home.remove("fix")
    entries = home.json("history", "--verify")["entries"]
    forced = [one for one in entries if one["event"] == "force"]
    assert [one["pid"] for one in forced] == [busy.pid]
    assert "outer (busy.py:10)" in forced[0]["detail"]
    assert any(one["event"] == "add" and "force" in (one["detail"] or "") for one in entries)


def test_force_alone_goes_in_at_once_and_says_nothing_where_nobody_is(
    home: Home, busy: Application, package: Package
) -> None:
    changed = home.add(patch(package), "--force")
    assert (changed.state(busy.pid), changed.outcome(busy.pid)["forced"]) == ("active", None)


def test_a_patch_beside_it_is_not_held_up(home: Home, busy: Application, package: Package) -> None:
    hold(busy)
    home.add(patch(package), "--quiesce", "60", "--wait", "0", code=None)
    home.wait_state(busy.pid, "fix", "waiting")
    changed = home.add(
        package.write_patch("free.py", "def beside():\n    return 'beside'\n", 'module = "shop.busy"')
    )
    assert changed.state(busy.pid) == "active", changed.document
    assert busy.eval("(m.beside(), m.free())") == ["beside", "old"]
    busy.exec("event.set(); thread.join()")
    home.wait_state(busy.pid, "fix", "active")
    assert busy.eval("m.held(event)") == "new"
