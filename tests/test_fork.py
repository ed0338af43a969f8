"""Fork, multiprocessing, subprocesses: each process has a link of its own, and no new warnings."""

from __future__ import annotations

import pytest

from tests.conftest import Starter
from tests.rig.application import Application
from tests.rig.changing import changing
from tests.rig.figures import Kind, rounds, total
from tests.rig.home import Home
from tests.rig.package import Package
from tests.rig.waiting import until, until_equal

CHILD = """
import os, threading, time, json
down, up = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    os.close(down[1])
    try:
        while True:
            expression = os.read(down[0], 4096)
            if not expression:
                os._exit(0)
            os.write(up[1], json.dumps(eval(expression)).encode())
    finally:
        os._exit(1)
os.close(down[0]); os.close(up[1])
def in_child(expression):
    os.write(down[1], expression.encode())
    return json.loads(os.read(up[0], 4096))
"""


@pytest.mark.every_python
def test_forked_child_has_a_link_of_its_own(home: Home, app: Application, package: Package) -> None:
    app.exec(CHILD)
    child = app.eval("pid")
    home.wait_linked(app.pid, child)
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval("(shop.price.net(5), in_child('shop.price.net(5)'))") == [10, 10]
    assert {home.state(app.pid, "fix"), home.state(child, "fix")} == {"active"}
    home.remove("fix")
    assert app.eval("(shop.price.net(5), in_child('shop.price.net(5)'))") == [5, 5]
    app.exec("os.close(down[1]); os.waitpid(pid, 0)")
    until(home.linked, lambda seen: child not in seen, what="the child's end")


@pytest.mark.every_python
def test_child_of_a_fork_that_python_does_not_know_of(home: Home, app: Application, package: Package) -> None:
    app.exec("import ctypes\n" + CHILD.replace("os.fork()", "ctypes.PyDLL(None).fork()"))
    child = app.eval("pid")
    home.wait_linked(app.pid, child)
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval("(shop.price.net(5), in_child('shop.price.net(5)'))") == [10, 10]
    home.remove("fix")
    assert app.eval("(shop.price.net(5), in_child('shop.price.net(5)'))") == [5, 5]
    app.exec("os.close(down[1]); os.waitpid(pid, 0)")


@pytest.mark.every_python
def test_child_of_a_patched_process_is_undone_too(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    app.exec(CHILD)
    child = app.eval("pid")
    home.wait_linked(child)
    assert app.eval("in_child('shop.price.net(5)')") == 10
    home.remove("fix")
    until_equal(lambda: app.eval("in_child('shop.price.net(5)')"), 5)
    app.exec("os.close(down[1]); os.waitpid(pid, 0)")


@pytest.mark.every_python
@pytest.mark.parametrize("with_daemon", [True, False])
def test_fork_gives_no_new_warning(home: Home, start: Starter, *, with_daemon: bool) -> None:
    if with_daemon:
        home.start()
    app = start(options=("-W", "error"))
    if with_daemon:
        home.wait_linked(app.pid)
    app.exec(
        "import os\n"
        "for _ in range(20):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        os._exit(0)\n"
        "    assert os.waitpid(pid, 0)[1] == 0\n"
    )
    assert app.close() == 0
    assert app.said() == ""


@pytest.mark.every_python
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(home: Home, app: Application, package: Package, method: str) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    app.exec(
        "import multiprocessing\n"
        f"with multiprocessing.get_context({method!r}).Pool(2) as pool:\n"
        "    got = pool.map(shop.price.net, range(4))\n"
    )
    assert app.eval("got") == [0, 2, 4, 6]


@pytest.mark.every_python
def test_subprocess(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    app.exec(
        "import subprocess, sys\n"
        "code = 'import shop.price; print(shop.price.net(5))'\n"
        "got = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)\n"
    )
    assert app.eval("(got.stdout, got.stderr)") == ["10\n", ""]


def test_fork_while_patches_change(home: Home, app: Application, package: Package) -> None:
    app.exec(
        "import os, threading\n"
        "stop = threading.Event()\n"
        "bad = []\n"
        "rounds = [0]\n"
        "def forks():\n"
        "    while not stop.is_set():\n"
        "        pid = os.fork()\n"
        "        if pid == 0:\n"
        "            os._exit(0 if shop.price.net(5) in (5, 10) else 1)\n"
        "        if os.waitpid(pid, 0)[1]:\n"
        "            bad.append(pid)\n"
        "        rounds[0] += 1\n"
        "thread = threading.Thread(target=forks)\n"
        "thread.start()\n"
    )
    path = package.write_patch("fix.diff", package.diff())
    for _ in range(10):
        home.add(path)
        home.remove("fix")
    until(lambda: app.eval("rounds[0]"), lambda count: count >= 20, seconds=30)
    app.exec("stop.set(); thread.join(20)")
    assert app.eval("(bad, thread.is_alive())") == [[], False]


FORKS = """
import ctypes, os, select, shop.price
def forks(count, library):
    for _ in range(count):
        up = os.pipe()
        pid = library(None).fork()
        if pid == 0:
            sum(shop.price.net(1) for _ in range(20000))
            os.write(up[1], b"x")
            os._exit(0)
        os.close(up[1])
        came = select.select([up[0]], [], [], 10)[0] != []
        os.close(up[0])
        if not came:
            os.kill(pid, 9)
        os.waitpid(pid, 0)
        if not came:
            return "a child hangs"
    return "all ended"
"""


@pytest.mark.every_python
@pytest.mark.parametrize("library", ["PyDLL", "CDLL"])
def test_forks_that_python_does_not_know_of_while_patches_change(
    home: Home, app: Application, package: Package, library: str
) -> None:
    """The link's thread holds no lock of the interpreter, and waits for none, when a child is copied."""
    app.exec(FORKS)
    with changing(home, package.write_patch("fix.diff", package.diff())):
        for _ in range(rounds(10, 100)):
            assert app.eval(f"forks(10, ctypes.{library})") == "all ended"
    total(Kind.PROCESSES, rounds(100, 1000))
