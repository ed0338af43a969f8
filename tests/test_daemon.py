"""`patchctl daemon`: start, stop, restart under running applications, stale sockets, two at once."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.rig.application import Application
from tests.rig.environment import Environment, plain_variables
from tests.rig.home import Home, running
from tests.rig.package import NET, Package
from tests.rig.waiting import until, until_equal


def test_starts_when_needed(home: Home, package: Package) -> None:
    assert home.run("daemon", "status", code=None).code == 4
    home.add(package.write_patch("fix.diff", package.diff()))
    status = home.status()
    assert status is not None
    assert status["patches"] == 1
    assert running(status["pid"])


def test_questions_start_no_daemon(home: Home) -> None:
    for command in ("list", "audit", "ps"):
        home.run(command, code=None)
        assert not home.socket.exists()


def test_stop_takes_socket_and_process_away(home: Home) -> None:
    home.start()
    pid = home.daemon_pid()
    home.run("daemon", "stop")
    until(lambda: not running(pid))
    assert not home.socket.exists()


@pytest.mark.every_python
def test_links_come_back_after_a_restart(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    home.run("daemon", "stop")
    assert app.eval("shop.price.net(5)") == 10
    home.start()
    home.wait_linked(app.pid)
    assert home.state(app.pid, "fix") == "active"
    home.remove("fix")
    assert app.eval("shop.price.net(5)") == 5


@pytest.mark.every_python
def test_daemon_started_after_the_application(home: Home, start: Starter, package: Package) -> None:
    app = start()
    app.exec("import shop.price")
    home.start()
    home.wait_linked(app.pid, seconds=30)
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval("shop.price.net(5)") == 10


def test_killed_daemon_comes_back_with_its_patches(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    home.kill_daemon()
    assert app.eval("shop.price.net(5)") == 10
    home.start()
    home.wait_linked(app.pid)
    assert home.state(app.pid, "fix") == "active"


def test_changes_made_while_it_was_down(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    home.run("daemon", "stop")
    text = package.diff("shop/price.py", (NET[0], "    return amount * 9\n"))
    (home.patches / "fix.diff").write_text(text)
    home.start()
    until_equal(lambda: app.eval("shop.price.net(1)"), 9)
    home.run("daemon", "stop")
    (home.patches / "fix.diff").unlink()
    home.start()
    until_equal(lambda: app.eval("shop.price.net(1)"), 1)


def test_revision_never_goes_back(home: Home, package: Package) -> None:
    revision = home.add(package.write_patch("fix.diff", package.diff())).document["revision"]
    home.kill_daemon()
    home.start()
    status = home.status()
    assert status is not None
    assert status["revision"] >= revision


def test_second_daemon_ends_with_a_message(home: Home, environment: Environment) -> None:
    home.start()
    second = subprocess.run(
        [str(environment.program("patchd")), "--home", str(home.folder)],
        capture_output=True,
        text=True,
        timeout=20,
        env=plain_variables(),
        check=False,
    )
    assert second.returncode != 0
    assert str(home.daemon_pid()) in second.stderr or "running" in second.stderr
    assert home.status() is not None


def test_two_clients_start_one_daemon(home: Home, environment: Environment) -> None:
    clients = [
        subprocess.Popen(
            [str(environment.program("patchctl")), "daemon", "start"],
            env={**plain_variables(), **home.variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(4)
    ]
    assert [client.wait(30) for client in clients] == [0, 0, 0, 0]
    until_equal(lambda: daemons(home), [home.daemon_pid()])


def daemons(home: Home) -> list[int]:
    """Process ids of all programs named patchd that belong to this home."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            named = (process / "comm").read_text().strip() == "patchd"
            if named and str(home.folder).encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def test_stale_socket_is_replaced(home: Home) -> None:
    home.socket.parent.mkdir(parents=True, mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(home.socket))
    home.start()
    assert home.status() is not None


def test_socket_and_folders_are_private(home: Home) -> None:
    home.start()
    assert stat.S_IMODE(home.socket.stat().st_mode) == 0o600
    for folder in (home.socket.parent, home.patches, home.folder / "state"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def test_long_path_of_the_home(environment: Environment, folder: Path) -> None:
    home = Home(environment, folder / ("long-" * 20) / ("name-" * 20))
    home.folder.mkdir(parents=True)
    try:
        home.start()
        assert home.status() is not None
    finally:
        home.close()


def test_logs_are_shown(home: Home, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    assert home.run("daemon", "logs").out.strip()


def test_run_stays_in_the_foreground(home: Home, environment: Environment) -> None:
    process = subprocess.Popen(
        [str(environment.program("patchctl")), "daemon", "run"],
        env={**plain_variables(), **home.variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: home.status() is not None, what="the daemon's answer")
        assert process.poll() is None
        os.kill(home.daemon_pid(), signal.SIGTERM)
        assert process.wait(20) == 0
        assert not home.socket.exists()
    finally:
        process.kill()
        process.wait(10)


def test_garbage_on_the_socket_does_no_harm(home: Home, app: Application, package: Package) -> None:
    for garbage in (b"\n", b"{}\n", b"\x00" * 4096 + b"\n", b'{"client":"nonsense"}\n', b"x" * (1 << 20)):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(5)
            peer.connect(str(home.socket))
            try:
                peer.sendall(garbage)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(65536):
                    pass
            except (BrokenPipeError, ConnectionResetError):
                pass
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval("shop.price.net(5)") == 10
