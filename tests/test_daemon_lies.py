"""A daemon that stops, lies, or speaks another protocol: nobody waits for long, and nothing breaks."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from typing import Callable

import pytest

from tests.conftest import Starter
from tests.rig.home import Home
from tests.rig.liar import Behaviour, Liar, floods, is_silent, says_and_closes, trickles
from tests.rig.measured import processor_time, resident
from tests.rig.package import Package
from tests.rig.waiting import stays, until, until_equal

MANY = tuple(f"shop.part{number}" for number in range(20))
pytestmark = [pytest.mark.fault]
Lying = Callable[..., Liar]


@pytest.fixture
def lying(home: Home) -> Iterator[Lying]:
    """Start what listens in the daemon's place."""
    started: list[Liar] = []

    def begin(behave: Behaviour, *modules: str) -> Liar:
        started.append(Liar(home, behave, modules) if modules else Liar(home, behave))
        return started[-1]

    yield begin
    for one in started:
        one.close()


def twenty_modules(package: Package) -> list[str]:
    """Write them; their files."""
    files = {f"shop/part{number}.py": "def one():\n    return 1\n" for number in range(20)}
    for name, text in files.items():
        (package.folder / name).write_text(text)
    package.files.update(files)
    return [*files]


@pytest.mark.every_python
def test_imports_wait_once_for_a_stopped_daemon(home: Home, start: Starter, package: Package) -> None:
    """Twenty patched modules: the first import waits for its plan, the others do not wait again."""
    changes = [package.diff(name, ("    return 1\n", "    return 2\n")) for name in twenty_modules(package)]
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
def test_imports_wait_once_for_a_liar(lying: Lying, start: Starter, package: Package, lie: Behaviour) -> None:
    twenty_modules(package)
    lying(lie, *MANY)
    begin = time.monotonic()
    app = start()
    app.exec(f"import {', '.join(MANY)}")
    assert time.monotonic() - begin < 5
    assert app.eval("shop.part7.one()") == 1
    begin = time.monotonic()
    assert (app.close(), app.said()) == (0, "")
    assert time.monotonic() - begin < 3


HALF = b'{"daemon":"desired","revision":1,"modules":[{"name":"shop.price","dig'
WHOLE = b'{"daemon":"desired","revision":1,"modules":[]}\n'
OLDER = b'{"daemon":"refused","message":"this daemon speaks protocol 0, not 1"}\n'
NEWER = b'{"daemon":"welcome","protocol":99,"modules":{"shop.price":7}}\n'


@pytest.mark.parametrize(
    "lie",
    [
        says_and_closes(b""),
        says_and_closes(b"garbage\n"),
        says_and_closes(HALF),
        says_and_closes(WHOLE),
        says_and_closes(OLDER),
        says_and_closes(NEWER),
        floods,
    ],
    ids=["hangs up", "garbage", "half", "hangs up later", "older", "newer", "floods"],
)
def test_a_liar_costs_a_running_process_little(lying: Lying, start: Starter, lie: Behaviour) -> None:
    """Few connections, little processor time, bounded memory."""
    liar = lying(lie)
    app = start()
    app.exec("import shop.price")
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
    assert app.eval("shop.price.net(5)") == 5
    assert (app.close(), app.said()) == (0, "")


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


@pytest.mark.every_python
def test_a_plan_for_another_patch_set_is_not_taken_for_the_wanted_one(lying: Lying, start: Starter) -> None:
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

    lying(behave, "json.tool")
    app = start()
    app.exec("import json.tool")
    until(lambda: len(asked), lambda count: count >= 2, what="a second question")
    stays(lambda: len(asked), 2)


WANTED = "sha256:" + "1" * 64


def desired(revision: int) -> bytes:
    """The same desired state at some revision."""
    modules = [{"name": "json.tool", "digest": WANTED}]
    return json.dumps({"daemon": "desired", "revision": revision, "modules": modules}).encode() + b"\n"
