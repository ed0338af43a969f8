"""Faults of the daemon and its surroundings: killed, no folder, no socket, no descriptors, another time."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.rig.application import Application
from tests.rig.environment import plain_variables
from tests.rig.figures import LONG, Kind, rounds, tell, total
from tests.rig.home import Home, running
from tests.rig.measured import processor_time
from tests.rig.package import COUNT, NET, Package
from tests.rig.waiting import until, until_equal

pytestmark = [pytest.mark.fault, *([pytest.mark.slow] if LONG else [])]


@pytest.fixture
def patched(home: Home, app: Application, package: Package) -> Application:
    """An application in which the patch `fix` is active."""
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval("shop.price.net(5)") == 10
    return app


def take_out(home: Home, app: Application) -> None:
    """The daemon works: the patch can be removed, and is gone."""
    home.remove("fix")
    assert app.eval("shop.price.net(5)") == 5


def say(home: Home, *arguments: object) -> subprocess.Popen[bytes]:
    """Start `patchctl` without waiting for it."""
    return subprocess.Popen(
        [str(home.environment.program("patchctl")), *map(str, arguments)],
        env={**plain_variables(), **home.variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_killed_at_random_moments(home: Home, start: Starter, package: Package) -> None:
    """After each kill files, list, history and processes agree."""
    apps = [start() for _ in range(3)]
    for app in apps:
        app.exec("import shop.price, shop.stock")
    prices = [
        package.write_patch(
            f"price{number}.diff",
            package.diff("shop/price.py", ("    return amount\n", f"    return amount * {number}\n")),
        )
        for number in range(2, 6)
    ]
    stock = package.write_patch("stock.diff", package.diff("shop/stock.py", COUNT))
    chance = random.Random(4)  # noqa: S311 - no secret
    count = rounds(20, 1000)
    for turn in range(count):
        home.start()
        commands = [
            ("add", chance.choice(prices), "--id", "price", "--overwrite", "--wait", "1"),
            ("add", stock, "--overwrite", "--wait", "1"),
            ("remove", chance.choice(["price", "stock"]), "--wait", "1"),
            ("disable", "price", "--wait", "1"),
            ("enable", "price", "--wait", "1"),
        ]
        clients = [say(home, *command) for command in chance.sample(commands, 2)]
        pid = home.daemon_pid()
        time.sleep(chance.uniform(0, 0.03))
        os.kill(pid, signal.SIGKILL)
        for client in clients:
            client.wait(20)
        until(partial(running, pid), lambda runs: not runs, what=f"the end of process {pid}")
        home.start()
        check_agreement(home, apps)
        if turn % 20 == 19:
            check_history(home)
    total(Kind.FAULTS, count)
    tell(f"daemon killed at a random moment of a change: {count} rounds, 3 processes, all agree")


def check_agreement(home: Home, apps: list[Application]) -> None:
    """Files, list, history and live functions say the same."""
    files = {path.name for path in home.patches.iterdir() if not path.name.startswith(".")}
    listed = home.json("list")["patches"]
    assert {patch["file"] for patch in listed} == files
    assert [patch for patch in listed if patch["broken"]] == []
    home.wait_linked(*(app.pid for app in apps))
    effective = {patch["id"] for patch in listed if patch["enabled"]}
    wanted = {(app.pid, patch): "active" for app in apps for patch in effective}
    until_equal(home.audit, wanted, seconds=15)
    price = 1
    if "price" in effective:
        price = int(home.json("show", "price")["content"].split("+    return amount * ")[1].split("\n")[0])
    for app in apps:
        assert app.eval("shop.price.net(1)") == price
        assert app.eval("shop.stock.count('')") == (100 if "stock" in effective else 0)


def check_history(home: Home) -> None:
    """The chain is whole, and ends in what there is."""
    listed = home.json("list")["patches"]
    document = home.json("history", "--verify", "--limit", 1_000_000)
    assert document["verified"]["broken"] is None
    there = set()
    for entry in document["entries"]:
        if entry["event"] == "add":
            there.add(entry["patch"])
        elif entry["event"] == "remove":
            there.discard(entry["patch"])
    assert there == {patch["id"] for patch in listed}


def delete(folder: Path) -> None:
    """Delete a folder whole, also when the daemon makes a file in it meanwhile."""

    def deleted() -> bool:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            return False
        return True

    until(deleted, what=f"{folder} to be deleted")


def test_folders_deleted_under_the_daemon(home: Home, patched: Application, package: Package) -> None:
    delete(home.patches)
    until_equal(lambda: patched.eval("shop.price.net(5)"), 5)
    home.add(package.write_patch("fix.diff", package.diff()))
    assert patched.eval("shop.price.net(5)") == 10
    delete(home.folder / "state")
    until_equal(lambda: home.run("disable", "fix", code=None).code, 0)
    assert patched.eval("shop.price.net(5)") == 5
    assert home.json("history", "--verify")["verified"]["broken"] is None


@pytest.mark.parametrize("what", ["socket", "folder"])
def test_a_removed_socket_is_made_again(home: Home, patched: Application, what: str) -> None:
    """As cleaners of temporary folders do it."""
    pid = home.daemon_pid()
    if what == "socket":
        home.socket.unlink()
    else:
        delete(home.socket.parent)
    until(home.status, what="the daemon's answer", seconds=15)
    assert home.daemon_pid() == pid
    assert (home.socket.parent / "index").exists()
    assert home.audit() == {(patched.pid, "fix"): "active"}
    take_out(home, patched)


def test_a_daemon_whose_place_was_taken_ends(home: Home, patched: Application) -> None:
    """Its folder was deleted, and another daemon was started before it noticed."""
    old = home.daemon_pid()
    os.kill(old, signal.SIGSTOP)
    delete(home.socket.parent)
    home.start()
    new = home.daemon_pid()
    assert new != old
    os.kill(old, signal.SIGCONT)
    until(lambda: not running(old), what="the end of the old daemon")
    assert home.daemon_pid() == new
    home.wait_linked(patched.pid)
    take_out(home, patched)


def test_out_of_descriptors(home: Home, patched: Application) -> None:
    pid = home.daemon_pid()
    used = len(os.listdir(f"/proc/{pid}/fd"))
    subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={used + 8}"], check=True)
    peers = []
    for _ in range(50):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(str(home.socket))
        peers.append(peer)
    begin = processor_time(pid)
    time.sleep(1)
    assert processor_time(pid) - begin < 0.5, "it spins"
    assert patched.eval("shop.price.net(5)") == 10
    for peer in peers:
        peer.close()
    until(home.status, what="the daemon's answer", seconds=20)
    take_out(home, patched)


SHIFT = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(clock, now);
    FILE *file = clock == CLOCK_REALTIME ? fopen(getenv("SHIFT"), "r") : NULL;
    long shift = 0;
    if (file) { if (fscanf(file, "%ld", &shift) != 1) shift = 0; fclose(file); }
    now->tv_sec += shift;
    return done;
}
"""


def test_clock_jumps(home: Home, start: Starter, package: Package, folder: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("no C compiler")
    (folder / "shift.c").write_text(SHIFT)
    library, shift = folder / "shift.so", folder / "shift"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(library), str(folder / "shift.c"), "-ldl"], check=True
    )
    shift.write_text("0")
    process = subprocess.Popen(
        [str(home.environment.program("patchd")), "--home", str(home.folder)],
        env={**plain_variables(), "LD_PRELOAD": str(library), "SHIFT": str(shift)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(home.status, what="the daemon's answer")
        app = start()
        app.exec("import shop.price, shop.stock")
        home.wait_linked(app.pid)
        home.add(package.write_patch("fix.diff", package.diff()), "--for", "1h")
        shift.write_text("-1000000")
        home.add(package.write_patch("stock.diff", package.diff("shop/stock.py", COUNT)))
        assert app.eval("(shop.price.net(5), shop.stock.count(''))") == [10, 100]
        assert len(home.audit()) == 2
        assert home.json("history", "--verify")["verified"]["broken"] is None
        shift.write_text("7200")
        home.run("disable", "stock")
        until_equal(lambda: app.eval("shop.price.net(5)"), 5, seconds=70)
        home.run("enable", "stock")
        assert app.eval("(shop.price.net(5), shop.stock.count(''))") == [5, 100]
        assert home.json("history", "--verify")["verified"]["broken"] is None
    finally:
        process.terminate()
        process.wait(20)


def test_questions_in_parallel(home: Home, app: Application, package: Package) -> None:
    """Changes and questions from many clients at once are all answered, one after the other."""
    path = package.write_patch("fix.diff", package.diff())
    codes: list[int] = []

    def client(number: int) -> None:
        for turn in range(5):
            command = [("add", path, "--overwrite"), ("audit",), ("list",), ("history",), ("ps",)][
                (number + turn) % 5
            ]
            codes.append(home.run(*command, code=None).code)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 40
    assert home.audit() == {(app.pid, "fix"): "active"}
    assert NET[1].strip() in home.json("show", "fix")["content"]
