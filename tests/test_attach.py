"""`patchctl attach`, `detach` and `ps --all`, on processes that were started without the hook.

Every target checks its own results, and must end cleanly and in silence (`rig/workload.py`). With
`PATCHCTL_LONG=1` each situation is attached to 100 times, and the attacher is killed at every step.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Work
from tests.rig.application import Application
from tests.rig.attaching import attach, refused
from tests.rig.environment import Environment
from tests.rig.figures import LONG, Kind, rounds, tell, total
from tests.rig.home import Home, running
from tests.rig.interpreters import Interpreter
from tests.rig.package import Package
from tests.rig.waiting import stays, until

ROUNDS = rounds(2, 100)
LINUX = sys.platform == "linux" and platform.machine() == "x86_64"
pytestmark = [
    pytest.mark.skipif(not LINUX, reason="x86_64 Linux only"),
    *([pytest.mark.slow] if LONG else []),
]
SITUATIONS = (
    "sleep",
    "busy",
    "floats",
    "allocate",
    "tuples",
    "c-call",
    "c-without-gil",
    "fork",
    "import",
    "threads",
    "lock",
    "server",
    "asyncio",
    "read",
)
OWN_THREADS = {"threads": 4, "lock": 2, "server": 2}
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.mark.every_python
@pytest.mark.parametrize("situation", SITUATIONS)
def test_attach_and_detach_leave_the_work_undisturbed(home: Home, work: Work, situation: str) -> None:
    home.start()
    target = work(situation)
    threads = OWN_THREADS.get(situation, 1)
    for _ in range(ROUNDS):
        row = attach(home, target.pid, "--timeout", 20)
        assert row["outcome"] == "attached", row
        assert target.pid in home.linked()
        home.run("detach", target.pid)
        assert target.pid not in home.linked()
    until(target.threads, lambda now: now <= threads, what="the end of all threads of ours")
    checked = target.finish()
    total(Kind.ATTACHED, ROUNDS)
    tell(f"attach {home.environment.interpreter.name} {situation}: {ROUNDS} times, {checked} results checked")


@pytest.mark.every_python
def test_an_attached_process_is_like_every_other(
    home: Home, without_hook: Environment, package: Package, folder: Path
) -> None:
    variables = {"PYTHONPATH": str(package.folder)}
    app = Application(without_hook, variables, errors=folder / "errors")
    try:
        app.exec("import shop.price")
        home.add(package.write_patch("fix.diff", package.diff()))
        assert app.eval("shop.price.net(4)") == 4
        assert attach(home, app.pid)["outcome"] == "attached"
        until(lambda: app.eval("shop.price.net(4)"), lambda seen: seen == 8, what="the patched result")
        home.wait_state(app.pid, "fix", "active")
        (row,) = home.json("ps")["processes"]
        assert (row["pid"], row["attached"]) == (app.pid, True)
        (applied,) = [entry for entry in home.json("history")["entries"] if entry["pid"] == app.pid]
        assert (applied["event"], applied["detail"]) == ("apply", "attached")
        (audited,) = home.json("audit")["processes"]
        assert audited["process"]["attached"] is True
        (line,) = [line for line in home.run("audit").out.splitlines() if "shop.price:net" in line]
        assert line.endswith("attached")
        app.exec("import shop.stock")
        assert app.eval("shop.stock.count('ab')") == 2
        home.run("detach", app.pid)
        assert app.eval("shop.price.net(4)") == 4
        assert attach(home, app.pid)["outcome"] == "attached"
        until(lambda: app.eval("shop.price.net(4)"), lambda seen: seen == 8, what="the patched result")
    finally:
        status = app.close()
    assert (status, app.said()) == (0, "")


def test_children_of_an_attached_process_are_linked_by_fork_and_not_by_exec(
    home: Home, without_hook: Environment, folder: Path
) -> None:
    app = Application(without_hook, {}, errors=folder / "errors")
    try:
        home.start()
        attach(home, app.pid)
        app.exec("import os, signal, subprocess, sys")
        app.exec("child = os.fork()\nif child == 0:\n    signal.pause()")
        forked = app.eval("child")
        home.wait_linked(app.pid, forked)
        app.exec("spawned = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])")
        stays(home.linked, sorted([app.pid, forked]))
        app.exec("os.kill(child, 9); os.waitpid(child, 0); spawned.kill(); spawned.wait()")
    finally:
        assert app.close() == 0
    assert app.said() == ""


@pytest.mark.every_python
def test_a_detached_process_stays_detached_when_it_forks(home: Home, work: Work) -> None:
    home.start()
    target = work("fork")
    attach(home, target.pid)
    home.run("detach", target.pid)
    stays(home.linked, [])
    target.finish()


def test_an_attached_process_is_said_to_be_linked_already(home: Home, work: Work) -> None:
    home.start()
    target = work("sleep")
    assert attach(home, target.pid)["outcome"] == "attached"
    assert attach(home, target.pid)["outcome"] == "linked"
    text = home.run("attach", target.pid).out
    assert "is linked already" in text
    target.finish()


def test_text_names_version_and_pause(home: Home, work: Work, without_hook: Environment) -> None:
    home.start()
    target = work("sleep")
    out = home.run("attach", target.pid).out
    version = ".".join(map(str, without_hook.interpreter.release))
    assert f"attached to process {target.pid}" in out
    assert f"CPython {version}" in out
    assert "was held for" in out
    target.finish()


def test_match_and_all_choose_by_command_line(home: Home, work: Work) -> None:
    home.start()
    mark = f"marked-{os.getpid()}"
    target = work("sleep", f"'{mark}'")
    other = work("sleep")
    document = home.json("attach", "--match", f"workload.py sleep '{mark}'")
    assert [row["pid"] for row in document["processes"]] == [target.pid]
    assert home.linked() == [target.pid]
    home.run("attach", "--match", "no such program", code=5)
    listed = home.json("ps", "--all")
    assert [row["pid"] for row in listed["processes"]] == [target.pid]
    (row,) = [row for row in listed["unlinked"] if row["pid"] == other.pid]
    assert row["attachable"] is True
    assert row["python"].startswith("3.")
    target.finish()
    other.finish()


def test_a_stopped_process_is_refused_and_stays_stopped(home: Home, work: Work) -> None:
    home.start()
    target = work("busy")
    os.kill(target.pid, signal.SIGSTOP)
    until(target.state, lambda state: state == "T", what="the stop")
    assert f"kill -CONT {target.pid}" in refused(home, target.pid, "stopped", 3)
    assert target.state() == "T"
    os.kill(target.pid, signal.SIGCONT)
    assert attach(home, target.pid)["outcome"] == "attached"
    target.finish()


def test_what_is_no_python_process_is_refused(home: Home) -> None:
    home.start()
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        refused(home, sleeper.pid, "not-python", 3)
        sleeper.kill()
        until(
            lambda: Path(f"/proc/{sleeper.pid}/stat").read_text().rsplit(")", 1)[1].split()[0],
            lambda state: state == "Z",
            what="the end of the process",
        )
        refused(home, sleeper.pid, "zombie", 5)
    refused(home, sleeper.pid, "no-such-process", 5)


def test_old_pythons_are_refused(home: Home) -> None:
    home.start()
    found = sorted(Path("~/.pyenv/versions").expanduser().glob("3.[678].*/bin/python"))
    if not found:
        pytest.skip("no Python older than 3.9 under ~/.pyenv/versions")
    with subprocess.Popen([str(found[-1]), "-c", "input()"], stdin=subprocess.PIPE) as old:
        until(
            lambda: Path(f"/proc/{old.pid}/wchan").read_text(), lambda seen: "pipe" in seen, what="idleness"
        )
        assert "3.9 to 3.15" in refused(home, old.pid, "unsupported-python", 3)
        old.communicate(b"\n")
    assert old.returncode == 0


def test_a_process_with_the_off_switch_is_refused(home: Home, work: Work) -> None:
    home.start()
    target = work("sleep", variables={"PATCHCTL_DISABLE": "1"})
    refused(home, target.pid, "opted-out", 3)
    target.finish()


def test_a_traced_process_is_refused(home: Home, work: Work) -> None:
    if not shutil.which("strace") and not shutil.which("gdb"):
        pytest.skip("neither strace nor gdb")
    home.start()
    target = work("sleep")
    command = ["strace", "-p"] if shutil.which("strace") else ["gdb", "-q", "-nx", "-p"]
    with subprocess.Popen(
        [*command, str(target.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as tracer:
        status = Path(f"/proc/{target.pid}/status")
        until(status.read_text, lambda text: f"TracerPid:\t{tracer.pid}\n" in text, 30, "the tracer")
        assert str(tracer.pid) in refused(home, target.pid, "traced", 3)
        tracer.terminate() if command[0] == "strace" else tracer.communicate(b"detach\nquit\n")
    assert attach(home, target.pid)["outcome"] == "attached"
    target.finish()


@pytest.mark.every_python
def test_remote_debugging_switched_off_is_respected(home: Home, work: Work, interpreter: Interpreter) -> None:
    home.start()
    target = work("sleep", variables={"PYTHON_DISABLE_REMOTE_DEBUG": "1"})
    if interpreter.version >= (3, 14):
        refused(home, target.pid, "remote-debugging-off", 3)
    else:
        assert attach(home, target.pid)["outcome"] == "attached"
    target.finish()


@pytest.mark.every_python
def test_a_wait_is_bounded_and_what_was_asked_is_taken_back(home: Home, work: Work) -> None:
    home.start()
    target = work("hold")
    call = Path(f"/proc/{target.pid}/syscall")
    until(call.read_text, lambda text: text.startswith("34 "), what="the call that holds the GIL")
    before = time.monotonic()
    assert "GIL" in refused(home, target.pid, "timed-out", 1, "--timeout", 0.5)
    assert time.monotonic() - before < 10
    os.kill(target.pid, signal.SIGUSR2)
    until(target.threads, lambda count: count == 1, 20, "the end of the thread that waited")
    assert home.linked() == []
    assert attach(home, target.pid, "--timeout", 10)["outcome"] == "attached"
    target.finish()


def test_short_of_memory_it_is_refused_and_nothing_stays(home: Home, work: Work) -> None:
    home.start()
    limit = (
        "import resource\n"
        "pages = int(open('/proc/self/statm').read().split()[0])\n"
        "resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + 300_000,) * 2)"
    )
    target = work("sleep", limit)
    row = attach(home, target.pid, code=1)
    assert row["reason"] in ("system", "load-failed"), row
    assert target.threads() == 1
    target.finish()


ALLOW_ALL = """\
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
program = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7FFF0000))
filter = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', 1, ctypes.addressof(program)))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, filter, 0, 0) == 0
"""


def test_a_seccomp_filter_needs_force(home: Home, work: Work) -> None:
    levels = Path("/proc/self/status").read_text().split("NSpid:")[1].split("\n")[0].split()
    home.start()
    target = work("sleep", ALLOW_ALL)
    if len(levels) == 1:
        assert "--force" in refused(home, target.pid, "seccomp-filter", 3)
    assert attach(home, target.pid, "--force")["outcome"] == "attached"
    target.finish()


def left_behind() -> set[Path]:
    """Folders of attaches that have ended: `patchctl-attach-PID-...`."""
    return {
        path for path in Path("/tmp").glob("patchctl-attach-*") if not running(int(path.name.split("-")[2]))
    }


@root_only
@pytest.mark.every_python
def test_a_process_in_namespaces_of_its_own(home: Home, work: Work) -> None:
    if not shutil.which("unshare"):
        pytest.skip("no unshare")
    home.start()
    before = left_behind()
    target = work("sleep", prefix=("unshare", "--mount", "--pid", "--fork", "--mount-proc"))
    row = attach(home, target.pid)
    assert row["outcome"] == "attached", row
    assert left_behind() <= before
    target.finish()


@root_only
def test_a_process_that_does_not_see_the_socket_is_refused(home: Home, work: Work) -> None:
    if not shutil.which("unshare"):
        pytest.skip("no unshare")
    home.start()
    hide = f'mount -t tmpfs none {home.folder} && exec "$@"'
    target = work("sleep", prefix=("unshare", "--mount", "sh", "-c", hide, "sh"))
    assert str(home.socket) in refused(home, target.pid, "unreachable-daemon", 3)
    target.finish()
