"""The machine's daemon and other users: who is served, who is told what, and what nobody can do to others.

Runs as root on a machine of its own (`rig/machine.py`); skipped elsewhere.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FOUND
from tests.rig.application import Application
from tests.rig.machine import USERS, Machine, obstacle
from tests.rig.package import COUNT, Package
from tests.rig.waiting import stays, until, until_equal

OBSTACLE = obstacle(FOUND)
pytestmark = pytest.mark.skipif(OBSTACLE is not None, reason=OBSTACLE or "")
LISTEN = """\
import os, socket
os.makedirs({folder!r}, exist_ok=True)
os.chmod({folder!r}, 0o755)
listener = socket.socket(socket.AF_UNIX)
listener.bind({folder!r} + "/patchd.sock")
os.chmod({folder!r} + "/patchd.sock", 0o777)
with open({folder!r} + "/index", "w") as index:
    index.write("patchctl-index 1 7\\nshop.price\\nend\\n")
listener.listen(16)
listener.settimeout(0.1)
heard = []
def listen():
    try:
        peer, _ = listener.accept()
    except TimeoutError:
        return len(heard), b"".join(heard).decode()
    peer.settimeout(1)
    try:
        heard.append(peer.recv(1000))
    except TimeoutError:
        heard.append(b"")
    return listen()
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Package]:
    """The sample package where every user can read it."""
    folder = Path("/tmp") / f"ps-{os.getpid()}"
    package = Package(folder / "site")
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    yield package
    shutil.rmtree(folder)


@pytest.fixture
def machine(wheel_path: Path) -> Iterator[Machine]:
    """A machine without a daemon."""
    one = Machine(FOUND, wheel_path)
    yield one
    one.close()


@pytest.fixture
def served(machine: Machine) -> Machine:
    """A machine whose daemon runs."""
    machine.run("root", "daemon", "start")
    return machine


def write(site: Package, name: str, text: str) -> Path:
    path = site.write_patch(name, text)
    path.chmod(0o644)
    return path


def applications(machine: Machine, site: Package, *users: str) -> list[Application]:
    begun = [machine.begin(user, site.folder) for user in users]
    for one in begun:
        one.exec("import shop.price, shop.stock")
    machine.wait_linked("root", *(one.pid for one in begun))
    return begun


def test_roots_patches_reach_all_and_a_users_only_the_user(served: Machine, site: Package) -> None:
    root, alice, bob = applications(served, site, "root", "alice", "bob")
    served.add("root", write(site, "all.diff", site.diff()))
    changed = served.add("alice", write(site, "hers.diff", site.diff("shop/stock.py", COUNT)))
    assert [one["process"]["pid"] for one in changed.document["processes"]] == [alice.pid]
    look = "(shop.price.net(5), shop.stock.count('a'))"
    assert [one.eval(look) for one in (root, alice, bob)] == [[10, 1], [10, 101], [10, 1]]
    fresh = served.begin("bob", site.folder)
    fresh.exec("import shop.price, shop.stock")
    assert fresh.eval(look) == [10, 1]
    served.run("alice", "remove", "all", code=7)
    served.run("bob", "remove", "hers", code=5)
    served.run("bob", "add", write(site, "hers.diff", site.diff()), "--overwrite", code=7)
    served.run("alice", "remove", "hers")
    assert alice.eval(look) == [10, 1]
    served.run("root", "remove", "all")
    assert [one.eval(look) for one in (root, alice, bob)] == [[5, 1]] * 3


def everything(machine: Machine, user: str) -> str:
    """All that a user can learn from the daemon."""
    answers = [
        machine.run(user, "--json", *command, code=None).out
        for command in (
            ("list",),
            ("ps",),
            ("audit",),
            ("history",),
            ("daemon", "status"),
        )
    ]
    return "\n".join(answers)


def test_nobody_is_told_of_others(served: Machine, site: Package) -> None:
    alice, bob = applications(served, site, "alice", "bob")
    served.add("alice", write(site, "hers.diff", site.diff("shop/stock.py", COUNT)), "--reason", "secret")
    assert "hers" in everything(served, "alice")
    told = everything(served, "bob")
    for word in ("hers", "secret", "shop.stock", str(alice.pid), "54101"):
        assert word not in told, word
    assert str(bob.pid) in told
    for command in ("show", "diff", "remove", "enable"):
        assert "54101" not in served.run("bob", command, "hers", code=5).err
    for name in served.call("bob", "ls", "-A", "/run/patchctl").out.split():
        seen = served.call("bob", "cat", f"/run/patchctl/{name}")
        assert "shop.stock" not in seen.out, name
    assert "hers" not in served.run("bob", "show", "her", code=5).err
    for path in ("/var/lib/patchctl/history.db", "/etc/patchctl/patches.d/hers.diff"):
        assert "ermission denied" in served.call("bob", "cat", path).err, path
    assert "shop.stock" not in served.call("bob", "sh", "-c", "cat /var/cache/patchctl/*").out
    assert bob.eval("shop.stock.count('a')") == 1


def test_a_process_is_told_its_own_users_patches_only(served: Machine, site: Package) -> None:
    served.add("alice", write(site, "hers.diff", site.diff("shop/stock.py", COUNT)))
    served.add("root", write(site, "all.diff", site.diff()))
    ask = (
        "import json, socket\n"
        "link = socket.socket(socket.AF_UNIX); link.connect('/run/patchctl/patchd.sock')\n"
        "link.sendall(json.dumps({'hook': 'hello', 'protocol': %d, 'python': '3.11.0'}).encode() + b'\\n')\n"
        "told = json.loads(link.makefile().readline())\n"
    )
    protocol = served.json("root", "daemon", "status")["protocol"]
    for user, modules in (("alice", ["shop.price", "shop.stock"]), ("bob", ["shop.price"])):
        one = served.begin(user, site.folder, hook=False)
        one.exec(ask % protocol)
        assert one.eval("sorted(module['name'] for module in told['modules'])") == modules, user


def test_only_root_rules_the_machines_daemon(served: Machine, site: Package) -> None:
    (alice,) = applications(served, site, "alice")
    served.add("root", write(site, "all.diff", site.diff()))
    for command in (("off",), ("on",), ("daemon", "stop"), ("disable", "all")):
        served.run("alice", *command, code=7)
    served.run("bob", "detach", alice.pid, code=None)
    assert alice.pid in served.linked("root")
    assert alice.eval("shop.price.net(5)") == 10
    denied = served.call("alice", "sh", "-c", "echo > /etc/patchctl/patches.d/mine.diff")
    assert "ermission denied" in denied.err
    served.run("root", "off")
    until_equal(lambda: alice.eval("shop.price.net(5)"), 5)


def test_the_machines_daemon_beside_a_users(machine: Machine, site: Package) -> None:
    machine.add("alice", write(site, "hers.diff", site.diff("shop/stock.py", COUNT)))
    assert machine.json("alice", "daemon", "status")["scope"] == "user"
    before = machine.begin("alice", site.folder)
    before.exec("import shop.price, shop.stock")
    machine.wait_linked("alice", before.pid)
    machine.run("root", "daemon", "start")
    machine.add("root", write(site, "all.diff", site.diff()))
    after = machine.begin("alice", site.folder)
    after.exec("import shop.price, shop.stock")
    machine.wait_linked("root", after.pid)
    assert machine.json("alice", "daemon", "status")["scope"] == "machine"
    look = "(shop.price.net(5), shop.stock.count('a'))"
    assert before.eval(look) == [5, 101]
    assert after.eval(look) == [10, 1]


def test_modes_of_the_machines_folders(served: Machine) -> None:
    seen = {
        path: served.call("root", "stat", "-c", "%a %u", path).out.strip()
        for path in ("/run/patchctl/patchd.sock", "/run/patchctl", "/etc/patchctl/patches.d")
    }
    assert list(seen.values()) == ["666 0", "755 0", "755 0"], seen
    assert served.call("root", "stat", "-c", "%a", "/var/lib/patchctl").out.strip() == "700"
    served.run("root", "daemon", "stop")
    served.call("root", "chmod", "777", "/etc/patchctl/patches.d", "/var/lib/patchctl", "/run/patchctl")
    served.run("root", "daemon", "start")
    for path, mode in (
        ("/etc/patchctl/patches.d", "755"),
        ("/var/lib/patchctl", "700"),
        ("/run/patchctl", "755"),
    ):
        assert served.call("root", "stat", "-c", "%a", path).out.strip() == mode, path


def test_a_users_daemon_admits_its_user_and_root_only(machine: Machine, site: Package) -> None:
    machine.run("alice", "daemon", "start")
    socket = machine.json("alice", "daemon", "status")["socket"]
    mode = Path(f"/proc/{machine.holder.pid}/root{socket}").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    connect = (
        "import socket; peer = socket.socket(socket.AF_UNIX); peer.connect({!r});"
        ' peer.sendall(b\'{{"client":"list"}}\\n\'); print(peer.makefile().readline())'
    )
    python = machine.environment.python
    denied = machine.call("bob", python, "-c", connect.format(socket))
    assert "PermissionError" in denied.err
    # Also where folder and socket were opened to all by mistake: the daemon looks at the peer.
    for path in (socket, *map(str, Path(socket).parents[:2])):
        machine.call("root", "chmod", "777", path)
    machine.call("root", "chmod", "755", "/run/user")
    answer = machine.call("bob", python, "-c", connect.format(socket))
    assert '"kind":"denied"' in answer.out, answer.explain()
    assert '"reply":"patches"' in machine.call("root", python, "-c", connect.format(socket)).out
    app = machine.begin("bob", site.folder, variables="XDG_RUNTIME_DIR=/run/user/54101")
    app.exec("import shop.price")
    stays(lambda: machine.linked("alice"), set())


def test_a_socket_of_another_user_is_not_trusted(machine: Machine, site: Package) -> None:
    """Bob was first to make the folder in /tmp where alice's socket would be."""
    number = USERS["alice"]
    machine.call("root", "rm", "-r", "/run/user/54101")
    bob = machine.begin("bob", site.folder, hook=False)
    bob.exec(LISTEN.format(folder=f"/tmp/patchctl-{number}"))
    begin = time.monotonic()
    alice = machine.begin("alice", site.folder)
    alice.exec("import shop.price")
    assert time.monotonic() - begin < 5
    until(lambda: bob.eval("listen()"), lambda heard: heard[0] > 0, what="a connection of alice's process")
    assert bob.eval("listen()")[1] == ""
    assert alice.eval("shop.price.net(5)") == 5
    for command in (("daemon", "start"), ("list",)):
        refused = machine.run("alice", *command, code=7)
        assert str(USERS["bob"]) in refused.err, refused.explain()
    assert bob.eval("listen()")[1] == ""
    assert (alice.close(), alice.said()) == (0, "")


def test_a_link_of_another_user_in_place_of_a_folder_is_refused(machine: Machine) -> None:
    """Bob made a link where alice's folder in /tmp would be, to something of hers."""
    machine.call("root", "rm", "-r", "/run/user/54101")
    machine.call("alice", "install", "-d", "-m", "755", "/home/alice/web")
    machine.call("bob", "ln", "-s", "/home/alice/web", f"/tmp/patchctl-{USERS['alice']}")
    try:
        refused = machine.run("alice", "daemon", "start", code=4)
        assert str(USERS["bob"]) in refused.err, refused.explain()
        assert machine.call("root", "stat", "-c", "%a", "/home/alice/web").out.strip() == "755"
        assert machine.call("root", "ls", "/home/alice/web").out == ""
    finally:
        Path(f"/tmp/patchctl-{USERS['alice']}").unlink()


def test_a_folder_of_another_user_is_refused(machine: Machine) -> None:
    machine.call("root", "install", "-d", "-o", "bob", "-m", "755", "/home/alice/theirs")
    machine.call("root", "ln", "-s", "/home/alice/theirs", "/home/alice/.config")
    machine.call("root", "chown", "-h", "alice", "/home/alice/.config")
    machine.call("root", "install", "-d", "-o", "bob", "-m", "777", "/home/alice/theirs/patchctl")
    refused = machine.run("alice", "daemon", "start", code=4)
    assert "/home/alice/.config/patchctl" in refused.err, refused.explain()


def test_variables_do_not_redirect_isolated_processes(machine: Machine, site: Package) -> None:
    """Bob's folder is named by the environment; `-I`, `-E` and set-uid programs pass it over."""
    bob = machine.begin("bob", site.folder, hook=False)
    bob.exec(LISTEN.format(folder=f"/tmp/patchctl-{USERS['bob']}/run"))
    home = f"PATCHCTL_HOME=/tmp/patchctl-{USERS['bob']}"
    code = "import time, decimal; time.sleep(0.3)"
    python = machine.environment.python
    for option in ("-I", "-E"):
        assert machine.call("alice", "env", home, python, option, "-c", code).code == 0
    assert bob.eval("listen()")[0] == 0
    assert machine.call("alice", "env", home, python, "-c", code).code == 0
    assert bob.eval("listen()")[0] > 0
    own = machine.environment.folder / "bin" / "set-uid"
    shutil.copy(python.resolve(), own)
    os.chown(own, USERS["bob"], USERS["bob"])
    own.chmod(0o4755)
    heard = bob.eval("listen()")[0]
    shows = machine.call("alice", own, "-c", "import os; print(os.geteuid())")
    assert shows.out.strip() == str(USERS["bob"]), shows.explain()
    assert machine.call("alice", "env", home, own, "-c", code).code == 0
    assert bob.eval("listen()")[0] == heard


def test_users_attach_to_their_own_processes(served: Machine, site: Package) -> None:
    served.add("root", write(site, "all.diff", site.diff()))
    alice = served.begin("alice", site.folder, hook=False)
    alice.exec("import shop.price")
    row = refusal(served.json("bob", "attach", alice.pid, code=None))
    assert (row["outcome"], row["reason"]) == ("refused", "other-user"), row
    assert "alice" in " ".join(row["hints"]) or "54101" in " ".join([row["message"], *row["hints"]])
    listed = served.json("alice", "ps", "--all")["unlinked"]
    assert alice.pid in [one["pid"] for one in listed]
    assert alice.pid not in [one["pid"] for one in served.json("bob", "ps", "--all")["unlinked"]]
    assert refusal(served.json("alice", "attach", alice.pid))["outcome"] == "attached"
    until_equal(lambda: alice.eval("shop.price.net(5)"), 10)
    (process,) = served.json("alice", "ps")["processes"]
    assert (process["pid"], process["uid"], process["attached"]) == (alice.pid, USERS["alice"], True)
    served.run("alice", "detach", alice.pid)
    assert alice.eval("shop.price.net(5)") == 5
    assert refusal(served.json("root", "attach", alice.pid))["outcome"] == "attached"
    until_equal(lambda: alice.eval("shop.price.net(5)"), 10)


def refusal(document: Any) -> Any:
    """The row of the only process."""
    (row,) = document["processes"]
    return row


def test_a_daemon_apart_serves_one_user(machine: Machine, site: Package) -> None:
    alice = machine.begin("alice", site.folder, hook=False)
    home = ("--home", machine.folder / "apart")
    machine.run("root", *home, "daemon", "start")
    row = refusal(machine.json("root", *home, "attach", alice.pid, code=3))
    assert (row["outcome"], row["reason"]) == ("refused", "other-user"), row
    assert "machine's daemon" in " ".join(row["hints"])
    listed = machine.json("root", *home, "ps", "--all")["unlinked"]
    (same,) = [one for one in listed if one["pid"] == alice.pid]
    assert not same["attachable"]
    assert {key: same[key] for key in ("reason", "message", "hints")} == {
        key: row[key] for key in ("reason", "message", "hints")
    }
    machine.run("root", *home, "daemon", "stop")
