"""What applications do in their lives while patches come and go: they do it as without us."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.rig import figures, shared
from tests.rig.application import Application
from tests.rig.changing import changing
from tests.rig.environment import call, plain_variables
from tests.rig.home import Home
from tests.rig.package import Package
from tests.rig.waiting import until, until_equal
from tests.rig.wheel import ROOT

pytestmark = [pytest.mark.every_python] if shared.ALL else []
EMBEDDING = ROOT / "tests" / "targets" / "embedding.c"
PATHS = (
    "import sysconfig; print(*(sysconfig.get_config_var(name) or '' for name in"
    " ('INCLUDEPY', 'LIBDIR', 'LDVERSION', 'Py_ENABLE_SHARED')), sep='\\n')"
)


def put_in_and_out(home: Home, app: Application, package: Package) -> None:
    """Patch the application's function, and take the patch out."""
    home.wait_linked(app.pid)
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval("shop.price.net(5)") == 10
    home.remove("fix")
    assert app.eval("shop.price.net(5)") == 5


@pytest.mark.parametrize(
    "options", [("-X", "dev"), ("-W", "error"), ("-O",), ("-OO",), ("-b",), ("-X", "importtime")], ids="".join
)
def test_options(home: Home, start: Starter, package: Package, options: tuple[str, ...]) -> None:
    home.start()
    app = start(options=options)
    app.exec("import shop.price")
    put_in_and_out(home, app, package)
    assert app.close() == 0
    assert "importtime" in options or app.said() == ""


def test_debug_allocator(home: Home, start: Starter, package: Package) -> None:
    home.start()
    app = start(variables={"PYTHONMALLOC": "debug"})
    app.exec("import shop.price")
    put_in_and_out(home, app, package)
    assert (app.close(), app.said()) == (0, "")


@pytest.mark.parametrize("times", ["once", "twice"])
def test_embedded(home: Home, start: Starter, package: Package, folder: Path, times: str) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    command = [str(home.environment.python), "-c", PATHS]
    include, library, version, shared = call(command).splitlines()
    if shared != "1" or not Path(include, "Python.h").exists():
        pytest.skip("this Python has no shared library, or no headers")
    program = folder / "embedding"
    flags = [f"-I{include}", f"-L{library}", f"-Wl,-rpath,{library}", f"-lpython{version}"]
    call(["cc", "-o", str(program), str(EMBEDDING), *flags])
    variables = {"EMBEDDING_TWICE": "1"} if times == "twice" else {}
    without_us = start(prefix=(str(program),), variables={"PATCHCTL_DISABLE": "1", **variables})
    assert without_us.close() == 0
    home.start()
    app = start(prefix=(str(program),), variables=variables)
    app.exec("import shop.price")
    put_in_and_out(home, app, package)
    assert (app.close(), app.said()) == (0, without_us.said())


def test_exit_while_patches_come_and_go(home: Home, package: Package) -> None:
    home.start()
    rounds = figures.rounds(8, 200)
    code = (
        "import sys, threading, time, shop.price\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "end = time.monotonic() + float(sys.argv[1])\n"
        "while time.monotonic() < end:\n"
        "    assert shop.price.net(5) in (5, 10)\n"
    )
    variables = {**plain_variables(), **home.variables, "PYTHONPATH": str(package.folder)}
    with changing(home, package.write_patch("fix.diff", package.diff())):
        for number in range(rounds):
            command = [str(home.environment.python), "-X", "dev", "-c", code, str(number % 8 / 20)]
            done = subprocess.run(
                command, env=variables, capture_output=True, text=True, check=False, timeout=60
            )
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    figures.total(figures.Kind.PROCESSES, rounds)
    figures.tell(f"exits while patches came and went: {rounds}")


def test_deep_recursion_and_small_stacks(home: Home, app: Application, package: Package) -> None:
    app.exec(
        "import threading\n"
        "stop, bad, counts = threading.Event(), [], [0, 0]\n"
        "def deep(number):\n"
        "    try:\n"
        "        return deep(number + 1)\n"
        "    except RecursionError:\n"
        "        return number\n"
        "def work(index, call):\n"
        "    while not stop.is_set():\n"
        "        try:\n"
        "            call()\n"
        "            if shop.price.net(5) not in (5, 10):\n"
        "                bad.append('result')\n"
        "        except BaseException as error:\n"
        "            bad.append(repr(error))\n"
        "        counts[index] += 1\n"
        "threads = [threading.Thread(target=work, args=(0, lambda: deep(0)))]\n"
        "threads[0].start()\n"
        "before = threading.stack_size(128 << 10)\n"
        "threads.append(threading.Thread(target=work, args=(1, lambda: sorted(range(50), key=str))))\n"
        "threads[1].start()\n"
        "threading.stack_size(before)\n"
    )
    with changing(home, package.write_patch("fix.diff", package.diff())) as rounds:
        until(lambda: rounds[0], lambda count: count >= 5, 40, "rounds of changes")
        until(lambda: app.eval("min(counts)"), lambda count: count >= 5, 40, "work of both threads")
    app.exec("stop.set()\nfor thread in threads:\n    thread.join(20)")
    assert app.eval("bad") == []


SIGNALS = """
import os, signal, threading, time
seen = [0, 0]
def count(*_):
    seen[1] += 1
signal.signal(signal.SIGUSR1, count)
signal.signal(signal.SIGINT, signal.default_int_handler)
def shoot():
    while seen[0] < 100:
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
def work():
    while seen[0] < 100:
        try:
            while True:
                shop.price.net(5)
        except KeyboardInterrupt:
            seen[0] += 1
thread = threading.Thread(target=shoot)
def survive():
    while True:
        try:
            if thread.ident is None:
                thread.start()
            work()
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            return
        except KeyboardInterrupt:
            pass
"""


def test_signals_reach_the_application(home: Home, app: Application, package: Package) -> None:
    app.exec(SIGNALS)
    with changing(home, package.write_patch("fix.diff", package.diff())):
        app.exec("survive()\nthread.join()")
    assert app.eval("(seen[0] >= 100, seen[1] > 0)") == [True, True]
    put_in_and_out(home, app, package)


DAEMON = """
import os, sys, time, shop.price
down, up, files = os.pipe(), os.pipe(), []
def serve():
    while True:
        expression = os.read(down[0], 4096)
        if not expression:
            os._exit(0)
        os.write(up[1], repr(eval(expression, globals())).encode())
def close_all():
    for descriptor in range(3, 2000):
        if descriptor not in (down[0], up[1]):
            try:
                os.close(descriptor)
            except OSError:
                pass
    for number in range(100):
        file = open("FOLDER/file-%d" % number, "w+")
        file.write("line\\n" * 10)
        file.flush()
        file.seek(0)
        files.append(file)
def intact():
    return all(os.fstat(file.fileno()).st_size == 50 and os.lseek(file.fileno(), 0, 1) == 0 for file in files)
def fork():
    child = os.fork()
    if child == 0:
        os._exit(0)
    return os.waitpid(child, 0)[1]
pid = os.fork()
if pid == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    if "MOMENT" == "at once":
        close_all()
    serve()
os.waitpid(pid, 0)
def in_daemon(expression):
    os.write(down[1], expression.encode())
    return eval(os.read(up[0], 4096))
"""


@pytest.mark.parametrize("moment", ["at once", "linked"])
def test_daemon_that_closes_all_descriptors(
    home: Home, app: Application, package: Package, folder: Path, moment: str
) -> None:
    """It opens files under the numbers that were ours: none of them is read, written or closed by us."""
    app.exec(DAEMON.replace("FOLDER", str(folder)).replace("MOMENT", moment))
    daemon = app.eval("in_daemon('os.getpid()')")
    home.wait_linked(daemon)
    if moment == "linked":
        app.eval("in_daemon('close_all()')")
    path = package.write_patch("fix.diff", package.diff())
    for _ in range(3):
        home.add(path, code=None)
        until_equal(lambda: app.eval("in_daemon('shop.price.net(5)')"), 10)
        home.remove("fix", code=None)
        until_equal(lambda: app.eval("in_daemon('shop.price.net(5)')"), 5)
    assert app.eval("in_daemon('[fork() for _ in range(5)]')") == [0] * 5
    home.wait_linked(daemon)
    assert app.eval("in_daemon('(len(files), intact())')") == [100, True]


def test_program_that_replaces_itself(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    app.replace()
    app.exec("import shop.price")
    home.wait_linked(app.pid)
    assert home.linked().count(app.pid) == 1
    assert app.eval("shop.price.net(5)") == 10
    home.remove("fix")
    assert app.eval("shop.price.net(5)") == 5


def test_exit_without_clean_up(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    app.exec("import os, threading; threading.Timer(0.05, os._exit, (7,)).start()")
    assert app.process.wait(20) == 7
    until(home.linked, lambda seen: app.pid not in seen, what="the process's end")
    assert app.said() == ""


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_valgrind_runs_a_patched_application(home: Home, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    command = ["valgrind", "--tool=none", "--quiet", str(home.environment.python)]
    script = "import shop.price; print(shop.price.net(5))"
    variables = {**plain_variables(), **home.variables, "PYTHONPATH": str(package.folder)}
    assert call([*command, "-c", script], variables) == "10\n"
