"""A machine of the test's own for root: a mount namespace with users, homes, `/run`, `/etc` and `/var`.

Users exist in that namespace only. Programs are started in it as one of them; the environment with the
wheel lies in a folder that all of them can read.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.rig import interpreters
from tests.rig.application import TARGET, Application
from tests.rig.environment import bare
from tests.rig.home import Changed, Result
from tests.rig.interpreters import Interpreter
from tests.rig.waiting import until

USERS = {"root": 0, "alice": 54_101, "bob": 54_102}
SCRIPT = """\
set -e
mount -t tmpfs -o mode=755 none "$1/etc"
cp -a /etc/. "$1/etc/"
rm -rf "$1/etc/patchctl"
for user in alice:54101 bob:54102; do
    name=${user%:*} number=${user#*:}
    echo "$name:x:$number:$number::/home/$name:/bin/sh" >> "$1/etc/passwd"
    echo "$name:x:$number:" >> "$1/etc/group"
done
mount --bind "$1/etc" /etc
for folder in /home /run /var/lib /var/cache; do mount -t tmpfs -o mode=755 none $folder; done
for user in alice bob; do install -d -m 700 -o $user -g $user /home/$user; done
install -d -m 700 -o alice -g alice /run/user/54101
echo ready
exec sleep infinity
"""


def reachable(found: list[Interpreter]) -> Interpreter | None:
    """An interpreter that every user may execute, the one of the system among them."""
    system = interpreters.probe("/usr/bin/python3")
    for one in [*reversed(found), *([system] if system else [])]:
        path = Path(one.path).resolve()
        if one.version in interpreters.WANTED and all(
            part.stat().st_mode & 0o001 for part in [path, *path.parents]
        ):
            return one
    return None


def obstacle(found: list[Interpreter]) -> str | None:
    """Why there can be no such machine here."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("unshare", "nsenter", "setpriv"):
        if not shutil.which(program):
            return f"no {program}"
    if not reachable(found):
        return "no interpreter that other users may execute"
    probe = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/home"], capture_output=True, check=False
    )
    return None if probe.returncode == 0 else "mounting is not allowed here"


class Machine:
    """The namespace, held open by a process that sleeps."""

    def __init__(self, found: list[Interpreter], wheel: Path) -> None:
        """Make folders and environment, and enter the namespace."""
        interpreter = reachable(found)
        assert interpreter is not None
        self.folder = Path(tempfile.mkdtemp(prefix="pm-", dir="/tmp"))
        self.folder.chmod(0o755)
        (self.folder / "etc").mkdir()
        self.environment = bare(self.folder / "env", interpreter)
        self.environment.install(str(wheel))
        self.plain = bare(self.folder / "plain", interpreter)
        self.target = self.folder / "application.py"
        shutil.copy(TARGET, self.target)
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh", str(self.folder)],
            stdout=subprocess.PIPE,
        )
        assert self.holder.stdout is not None
        assert self.holder.stdout.readline() == b"ready\n"
        self.applications: list[Application] = []

    def prefix(self, user: str) -> tuple[str, ...]:
        """A command that runs another one in the namespace as this user."""
        number = str(USERS[user])
        home = "/root" if user == "root" else f"/home/{user}"
        enter = ("nsenter", "--target", str(self.holder.pid), "--mount", "--wd=/", "--")
        become = ("setpriv", "--reuid", number, "--regid", number, "--clear-groups", "--")
        clean = ("env", "-i", f"HOME={home}", "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "NO_COLOR=1")
        return (*enter, *become, *clean)

    def call(self, user: str, *command: object, seconds: float = 60) -> Result:
        """Run a program to its end."""
        full = (*self.prefix(user), *map(str, command))
        done = subprocess.run(full, capture_output=True, text=True, timeout=seconds, check=False)
        return Result(full, done.returncode, done.stdout, done.stderr)

    def run(self, user: str, *arguments: object, code: int | None = 0) -> Result:
        """Run `patchctl`; `code` is the exit status that it must have, `None` for any."""
        result = self.call(user, self.environment.program("patchctl"), *arguments)
        assert code is None or result.code == code, f"expected exit status {code}:\n{result.explain()}"
        return result

    def json(self, user: str, *arguments: object, code: int | None = 0) -> Any:
        """Run `patchctl --json`, and return its document."""
        return json.loads(self.run(user, "--json", *arguments, code=code).out)

    def add(self, user: str, *arguments: object, code: int | None = 0) -> Changed:
        """Run `patchctl add`."""
        return Changed(self.json(user, "add", *arguments, code=code))

    def begin(self, user: str, packages: Path, *, hook: bool = True, variables: str = "") -> Application:
        """Start an application of this user."""
        environment = self.environment if hook else self.plain
        errors = self.folder / f"errors-{len(self.applications)}"
        settings = (f"PYTHONPATH={packages}", *variables.split())
        one = Application(
            environment,
            {},
            prefix=(*self.prefix(user), *settings),
            command=(str(self.target), "--idle", "block"),
            errors=errors,
        )
        self.applications.append(one)
        return one

    def linked(self, user: str) -> set[int]:
        """Linked processes, as this user is told."""
        return {process["pid"] for process in self.json(user, "ps")["processes"]}

    def wait_linked(self, user: str, *pids: int) -> None:
        """Wait until all these processes have a link."""
        until(lambda: self.linked(user), lambda seen: set(pids) <= seen, 15, f"links of {pids}")

    def close(self) -> None:
        """End everything that was started, and remove the folders."""
        for application in self.applications:
            application.close()
        for user in USERS:
            self.run(user, "daemon", "stop", code=None)
        self.holder.kill()
        self.holder.communicate()
        for number in USERS.values():
            shutil.rmtree(Path(tempfile.gettempdir()) / f"patchctl-{number}", ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
