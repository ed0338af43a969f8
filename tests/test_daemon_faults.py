"""Faults of the daemon and its surroundings: killed, stopped, lying, no room, no folder, no descriptors."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.rig.application import Application
from tests.rig.environment import plain_variables
from tests.rig.figures import LONG, Kind, rounds, tell, total
from tests.rig.home import Home, running
from tests.rig.liar import Liar, floods, is_silent, says_and_closes, trickles
from tests.rig.package import COUNT, NET, Package
from tests.rig.waiting import stays, until, until_equal

MANY = tuple(f"shop.part{number}" for number in range(20))
pytestmark = [pytest.mark.fault, *([pytest.mark.slow] if LONG else [])]
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")


def resident(pid: int) -> int:
    """Resident memory of a process in MB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) // 1024


def processor_time(pid: int) -> float:
    """Seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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


@pytest.mark.every_python
def test_imports_wait_once_for_a_stopped_daemon(home: Home, start: Starter, package: Package) -> None:
    """Twenty patched modules: the first import waits for its plan, the others do not wait again."""
    parts = {f"shop/part{number}.py": "def one():\n    return 1\n" for number in range(20)}
    for name, text in parts.items():
        (package.folder / name).write_text(text)
        package.files[name] = text
    changes = [package.diff(name, ("    return 1\n", "    return 2\n")) for name in parts]
    home.add(package.write_patch("parts.diff", "".join(changes)))
    pid = home.daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        app = start()
        app.exec(f"import {', '.join(MANY)}")
        seconds = time.monotonic() - begin
        assert seconds < 2.5, seconds
        assert app.eval("shop.part7.one()") == 1
    finally:
        os.kill(pid, signal.SIGCONT)
    until_equal(lambda: app.eval("[shop.part0.one(), shop.part19.one()]"), [2, 2])
    assert (app.close(), app.said()) == (0, "")


@pytest.mark.every_python
@pytest.mark.parametrize("lie", [is_silent, trickles, floods], ids=["silent", "trickles", "floods"])
def test_imports_wait_once_for_a_liar(home: Home, start: Starter, package: Package, lie: object) -> None:
    for number in range(20):
        (package.folder / f"shop/part{number}.py").write_text("def one():\n    return 1\n")
    liar = Liar(home, lie, MANY)  # type: ignore[arg-type]
    try:
        begin = time.monotonic()
        app = start()
        app.exec(f"import {', '.join(MANY)}")
        assert time.monotonic() - begin < 5
        assert app.eval("shop.part7.one()") == 1
        begin = time.monotonic()
        assert (app.close(), app.said()) == (0, "")
        assert time.monotonic() - begin < 3
    finally:
        liar.close()


@pytest.mark.parametrize(
    "lie",
    [
        says_and_closes(b""),
        says_and_closes(b"garbage\n"),
        says_and_closes(b'{"daemon":"desired","revision":1,"modules":[]}\n'),
        floods,
    ],
    ids=["hangs up", "garbage", "hangs up later", "floods"],
)
def test_a_liar_costs_a_running_process_little(home: Home, start: Starter, lie: object) -> None:
    """Few connections, little processor time, bounded memory."""
    liar = Liar(home, lie)  # type: ignore[arg-type]
    try:
        app = start()
        until(lambda: liar.connections, lambda count: count > 0, what="a connection")
        before, used, begin = liar.connections, processor_time(app.pid), time.monotonic()
        memory = 0
        while time.monotonic() - begin < 3:
            memory = max(memory, resident(app.pid))
            time.sleep(0.05)
        assert liar.connections - before <= 20
        assert memory < 250
        if lie is not floods:
            assert processor_time(app.pid) - used < 0.5
        assert (app.close(), app.said()) == (0, "")
    finally:
        liar.close()


@pytest.mark.parametrize("protocol", [0, 99])
def test_another_protocol_is_refused_and_named(home: Home, protocol: int) -> None:
    home.start()
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(5)
        peer.connect(str(home.socket))
        peer.sendall(b'{"hook":"hello","protocol":%d,"future":{"x":1}}\n' % protocol)
        answer = peer.makefile().readline()
    assert '"daemon":"refused"' in answer
    assert f"not {protocol}" in answer
    assert home.linked() == []


@pytest.fixture
def small_disk(home: Home) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A daemon whose patches and history are on a small disk of its own."""
    disk = home.folder / "disk"
    script = (
        'mount -t tmpfs -o size=400k none "$1/disk" && mkdir "$1/disk/patches" "$1/disk/state"'
        ' && mount --bind "$1/disk/patches" "$1/patches.d" && mount --bind "$1/disk/state" "$1/state"'
        ' && exec "$2" --home "$1"'
    )
    for folder in (disk, home.patches, home.folder / "state"):
        folder.mkdir(mode=0o700)
    patchd = str(home.environment.program("patchd"))
    process = subprocess.Popen(
        [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            script,
            "sh",
            str(home.folder),
            patchd,
        ],
        env=plain_variables(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(home.status, what="the daemon's answer")
    yield process, Path(f"/proc/{process.pid}/root{disk}")
    home.run("daemon", "stop", code=None)
    process.wait(20)


@root_only
def test_a_full_disk_refuses_changes_only(
    home: Home, start: Starter, package: Package, small_disk: tuple[subprocess.Popen[bytes], Path]
) -> None:
    _, disk = small_disk
    app = start()
    app.exec("import shop.price, shop.stock")
    home.wait_linked(app.pid)
    home.add(package.write_patch("fix.diff", package.diff()))
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    stock = package.write_patch("stock.diff", package.diff("shop/stock.py", COUNT))
    refused = home.run("add", stock, code=1)
    assert "No space left" in refused.err or "full" in refused.err, refused.explain()
    assert home.audit() == {(app.pid, "fix"): "active"}
    assert app.eval("(shop.price.net(5), shop.stock.count(''))") == [10, 0]
    assert {path.name for path in (disk / "patches").iterdir()} == {"fix.diff"}
    home.run("off")
    assert app.eval("shop.price.net(5)") == 5
    home.run("on")
    filler.unlink()
    until_equal(lambda: home.run("add", stock, "--overwrite", code=None).code, 0)
    assert app.eval("(shop.price.net(5), shop.stock.count(''))") == [10, 100]
    assert home.json("history", "--verify")["verified"]["broken"] is None


@root_only
def test_a_read_only_folder_refuses_changes_only(
    home: Home, start: Starter, package: Package, small_disk: tuple[subprocess.Popen[bytes], Path]
) -> None:
    process, _ = small_disk
    app = start()
    app.exec("import shop.price")
    home.wait_linked(app.pid)
    home.add(package.write_patch("fix.diff", package.diff()))
    enter = ["nsenter", "--target", str(process.pid), "--mount", "mount", "-o"]
    subprocess.run([*enter, "remount,ro,bind", str(home.patches)], check=True)
    for command in (
        ("remove", "fix"),
        ("disable", "fix"),
        ("add", package.folder.parent / "fix.diff", "--overwrite"),
    ):
        refused = home.run(*command, code=1)
        assert "ead-only" in refused.err, refused.explain()
    assert home.audit() == {(app.pid, "fix"): "active"}
    subprocess.run([*enter, "remount,rw,bind", str(home.patches)], check=True)
    home.remove("fix")
    assert app.eval("shop.price.net(5)") == 5


def test_folders_deleted_under_the_daemon(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    shutil.rmtree(home.patches)
    until_equal(lambda: app.eval("shop.price.net(5)"), 5)
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval("shop.price.net(5)") == 10
    shutil.rmtree(home.folder / "state")
    until_equal(lambda: home.run("disable", "fix", code=None).code, 0)
    assert app.eval("shop.price.net(5)") == 5
    assert home.json("history", "--verify")["verified"]["broken"] is None


@pytest.mark.parametrize("what", ["socket", "folder"])
def test_a_removed_socket_is_made_again(home: Home, app: Application, package: Package, what: str) -> None:
    """As cleaners of temporary folders do it."""
    home.add(package.write_patch("fix.diff", package.diff()))
    pid = home.daemon_pid()
    if what == "socket":
        home.socket.unlink()
    else:
        shutil.rmtree(home.socket.parent)
    until(home.status, what="the daemon's answer", seconds=15)
    assert home.daemon_pid() == pid
    assert (home.socket.parent / "index").exists()
    assert home.audit() == {(app.pid, "fix"): "active"}
    home.remove("fix")
    assert app.eval("shop.price.net(5)") == 5


def test_a_daemon_whose_place_was_taken_ends(home: Home, app: Application, package: Package) -> None:
    """Its folder was deleted, and another daemon was started before it noticed."""
    home.add(package.write_patch("fix.diff", package.diff()))
    old = home.daemon_pid()
    os.kill(old, signal.SIGSTOP)
    shutil.rmtree(home.socket.parent)
    home.start()
    new = home.daemon_pid()
    assert new != old
    os.kill(old, signal.SIGCONT)
    until(lambda: not running(old), what="the end of the old daemon")
    assert home.daemon_pid() == new
    home.wait_linked(app.pid)
    home.remove("fix")
    assert app.eval("shop.price.net(5)") == 5


def test_out_of_descriptors(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
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
    assert app.eval("shop.price.net(5)") == 10
    for peer in peers:
        peer.close()
    until(home.status, what="the daemon's answer", seconds=20)
    home.remove("fix")
    assert app.eval("shop.price.net(5)") == 5


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


@pytest.mark.every_python
def test_a_plan_for_another_patch_set_is_not_taken_for_the_wanted_one(home: Home, start: Starter) -> None:
    """The patches changed while a plan was made, and changed back: the process asks again."""
    asked: list[str] = []

    def behave(peer: socket.socket) -> None:
        lines = peer.makefile()
        for line in lines:
            message = json.loads(line)
            if message["hook"] == "hello":
                peer.sendall(desired(1))
            elif message["hook"] == "plan":
                asked.append(line)
                digest = WANTED if len(asked) > 1 else "sha256:" + "0" * 64
                plan = {"name": "json.tool", "digest": digest, "applied": [], "skipped": []}
                reply = {
                    "request": message["request"],
                    "revision": 1,
                    "modules": [{**plan, "outcome": "unchanged"}],
                }
                peer.sendall(json.dumps({"daemon": "plans", **reply}).encode() + b"\n")
            elif message["hook"] == "report":
                peer.sendall(desired(2) if len(asked) == 1 else b"")

    liar = Liar(home, behave, ("json.tool",))
    try:
        app = start()
        app.exec("import json.tool")
        until(lambda: len(asked), lambda count: count >= 2, what="a second question")
        stays(lambda: len(asked), 2)
    finally:
        liar.close()


WANTED = "sha256:" + "1" * 64


def desired(revision: int) -> bytes:
    """The same desired state at some revision."""
    modules = [{"name": "json.tool", "digest": WANTED}]
    return json.dumps({"daemon": "desired", "revision": revision, "modules": modules}).encode() + b"\n"
