"""Faults of processes: frozen, deaf, many at once, gone, and pids that are used again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.rig.application import Application
from tests.rig.environment import plain_variables
from tests.rig.figures import LONG, Kind, rounds, tell, total
from tests.rig.home import Home
from tests.rig.package import NET, Package
from tests.rig.waiting import until, until_equal

pytestmark = [pytest.mark.fault, *([pytest.mark.slow] if LONG else [])]
HELLO = b'{"hook":"hello","protocol":%d,"python":"3.11.7"}\n'


def hello(home: Home) -> bytes:
    """A greeting in the daemon's protocol."""
    status = home.status()
    assert status is not None
    return HELLO % int(status["protocol"])


def connect(home: Home) -> socket.socket:
    """A connection to the daemon."""
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(str(home.socket))
    peer.settimeout(20)
    return peer


def memory(home: Home) -> float:
    """Resident memory of the daemon in MB."""
    status = home.status()
    assert status is not None
    return float(status["memory"]) / 1e6


def test_a_frozen_process_delays_nobody(home: Home, start: Starter, package: Package) -> None:
    home.start()
    apps = [start() for _ in range(3)]
    for app in apps:
        app.exec("import shop.price")
    home.wait_linked(*(app.pid for app in apps))
    frozen, *others = apps
    frozen.signal(signal.SIGSTOP)
    try:
        for factor in range(2, 30):
            text = package.diff("shop/price.py", (NET[0], f"    return amount * {factor}\n"))
            begin = time.monotonic()
            changed = home.add(
                package.write_patch("fix.diff", text), "--overwrite", "--wait", "0.3", code=None
            )
            assert time.monotonic() - begin < 2
            assert changed.state(frozen.pid) == "unanswered"
            assert [changed.state(app.pid) for app in others] == ["active", "active"]
            assert [app.eval("shop.price.net(1)") for app in others] == [factor, factor]
        begin = time.monotonic()
        rows = home.json("audit", "--deadline", "0.5")["processes"]
        assert time.monotonic() - begin < 2
        assert {row["process"]["pid"]: row["answered"] for row in rows}[frozen.pid] is False
    finally:
        frozen.signal(signal.SIGCONT)
    until_equal(lambda: frozen.eval("shop.price.net(1)"), 29)
    home.wait_state(frozen.pid, "fix", "active")


def test_readers_that_never_read(home: Home, app: Application, package: Package) -> None:
    """Deaf processes that ask and do not take the answers cost little memory and delay nobody."""
    price = package.folder / "shop" / "price.py"
    price.write_text(
        price.read_text() + "\n" + "".join(f"def f{n}():\n    return {n}\n" for n in range(5000))
    )
    home.add(package.write_patch("fix.diff", package.diff()))
    before = memory(home)
    deaf = [connect(home) for _ in range(20)]
    facts = {"name": "shop.price", "origin": str(price), "loader": "source"}
    question = {"hook": "plan", "request": 1, "phase": "live", "modules": [facts], "excluded": []}
    line = json.dumps(question).encode() + b"\n"
    for peer in deaf:
        peer.sendall(hello(home))
        peer.settimeout(0.2)
        try:
            for _ in range(200):
                peer.sendall(line)
        except TimeoutError:
            pass
    longest = 0.0
    for factor in range(3, 13):
        text = package.diff("shop/price.py", (NET[0], f"    return amount * {factor}\n"))
        begin = time.monotonic()
        home.add(package.write_patch("fix.diff", text), "--overwrite", "--wait", "0", code=None)
        until_equal(lambda: app.eval("shop.price.net(1)"), factor, seconds=15)
        longest = max(longest, time.monotonic() - begin)
    begin = time.monotonic()
    home.json("audit", "--deadline", "1")
    assert time.monotonic() - begin < 3
    grown = memory(home) - before
    assert grown < 100, f"{grown} MB"
    for peer in deaf:
        peer.close()
    until_equal(home.linked, [app.pid])
    tell(f"20 deaf processes: a change takes {longest:.1f} s at most, the daemon grew by {grown:.0f} MB")


def test_a_thousand_connections_that_vanish(home: Home, app: Application, package: Package) -> None:
    greeting = hello(home)
    before = memory(home)
    count = rounds(1000, 10_000)
    came: list[int] = []

    def come_and_go(share: int) -> None:
        for number in range(share):
            peer = connect(home)
            if number % 3:
                peer.sendall(greeting if number % 3 == 1 else greeting[:20])
            peer.close()
        came.append(share)

    threads = [threading.Thread(target=come_and_go, args=(count // 8,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    begin = time.monotonic()
    home.add(package.write_patch("fix.diff", package.diff()))
    assert time.monotonic() - begin < 3
    for thread in threads:
        thread.join()
    assert sum(came) == count
    until_equal(home.linked, [app.pid])
    grown = memory(home) - before
    assert grown < 50, f"{grown} MB"
    total(Kind.CONNECTIONS, count)
    tell(f"{count} connections that vanished: the daemon grew by {grown:.0f} MB, no row is left")


def test_a_thousand_at_once(home: Home, app: Application, package: Package) -> None:
    """All connected together, then gone at the same moment."""
    soft = min(1200, resource_limit())
    greeting = hello(home)
    peers = []
    for _ in range(soft - 200):
        peer = connect(home)
        peer.sendall(greeting)
        peers.append(peer)
    begin = time.monotonic()
    home.add(package.write_patch("fix.diff", package.diff()), "--wait", "1", code=None)
    assert time.monotonic() - begin < 5
    assert app.eval("shop.price.net(5)") == 10
    for peer in peers:
        peer.close()
    until_equal(home.linked, [app.pid])
    assert home.audit() == {(app.pid, "fix"): "active"}


def resource_limit() -> int:
    """How many descriptors this process may have, raised as far as may be."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard > 0 else 1200


@pytest.mark.every_python
def test_short_lived_processes(home: Home, app: Application, package: Package) -> None:
    """Many that start and end, some by a signal: all end as without us, and no row is left."""
    home.add(package.write_patch("fix.diff", package.diff()))
    count = rounds(60, 1000)
    variables = {**plain_variables(), **home.variables, "PYTHONPATH": str(package.folder)}
    codes = [
        ("pass", 0),
        ("import shop.price; assert shop.price.net(5) == 10", 0),
        ("import os; os._exit(3)", 3),
        ("import os; os.kill(os.getpid(), 9)", -9),
        ("import os; os.fork(); import shop.price; assert shop.price.net(1) == 2", 0),
    ]
    for first in range(0, count, 10):
        running = []
        for number in range(first, first + 10):
            code, status = codes[number % len(codes)]
            command = [str(home.environment.python), "-c", code]
            running.append((subprocess.Popen(command, env=variables, stderr=subprocess.PIPE), status))
        for process, status in running:
            said = process.communicate(timeout=60)[1]
            assert (process.returncode, said) == (status, b"")
    until_equal(home.linked, [app.pid])
    total(Kind.PROCESSES, count)
    tell(f"{count} short-lived processes of Python {home.environment.interpreter.name}: no row is left")


ORPHAN = """\
import os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
link.sendall(sys.argv[2].encode() + b"\\n")
link.recv(1)
os.set_inheritable(link.fileno(), True)
if os.fork() == 0:
    os.close(1)
    os.close(2)
    os.execvp("sleep", ["sleep", "60"])
print(os.getpid(), flush=True)
"""


def test_a_descriptor_left_behind_is_no_process(home: Home, app: Application) -> None:
    """A program that the process started holds the connection; the process is gone."""
    before = {path.name for path in Path("/proc").glob("[0-9]*")}
    orphan = subprocess.run(
        [str(home.environment.python), "-S", "-c", ORPHAN, str(home.socket), hello(home).decode().strip()],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    pid = int(orphan.stdout)
    try:
        assert pid not in home.linked()
        assert home.linked() == [app.pid]
    finally:
        for path in Path("/proc").glob("[0-9]*"):
            if path.name not in before and is_sleeper(path):
                os.kill(int(path.name), signal.SIGKILL)


def is_sleeper(process: Path) -> bool:
    """Whether a process is the one that the orphan left."""
    try:
        return (process / "cmdline").read_bytes() == b"sleep\x0060\x00"
    except OSError:
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to choose a pid")
def test_a_pid_that_is_used_again(home: Home, start: Starter, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    first = start()
    first.exec("import shop.price")
    home.wait_linked(first.pid)
    (old,) = home.json("ps")["processes"]
    first.close()
    chosen = Path("/proc/sys/kernel/ns_last_pid")
    for _ in range(50):
        try:
            chosen.write_text(str(first.pid - 1))
        except OSError:
            pytest.skip("the last pid can't be set here")
        second = start()
        if second.pid == first.pid:
            break
        second.close()
    else:
        pytest.skip("other processes were faster")
    home.wait_linked(second.pid)
    (new,) = home.json("ps")["processes"]
    assert new["pid"] == old["pid"]
    assert new["started"] != old["started"]
    assert home.audit() == {(second.pid, "fix"): "waiting"}
    second.exec("import shop.price")
    until(lambda: second.eval("shop.price.net(5)"), lambda seen: seen == 10, what="the patched result")
    assert home.state(second.pid, "fix") == "active"
