"""A daemon of the test's own under one folder, and the command line that speaks to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rig.environment import Environment, plain_variables
from tests.rig.figures import Kind, total
from tests.rig.waiting import until


@dataclass(frozen=True)
class Result:
    """What a command line said, and its exit status."""

    command: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output as the one JSON document that it must be."""
        return json.loads(self.out)

    def explain(self) -> str:
        """Everything, for a failure's message."""
        return f"{' '.join(self.command)}\nexit status {self.code}\n{self.out}\n{self.err}"


class Changed:
    """What a change did: the document that add, remove, enable and disable print."""

    def __init__(self, document: Any) -> None:
        """Take the document."""
        self.document = document

    def outcome(self, pid: int) -> dict[str, Any]:
        """What became of the patch in one process."""
        found = [one for one in self.document["processes"] if one["process"]["pid"] == pid]
        assert len(found) == 1, f"{len(found)} outcomes for process {pid} in {self.document}"
        outcome: dict[str, Any] = found[0]
        return outcome

    def state(self, pid: int) -> str | None:
        """State of the patch in one process."""
        state: str | None = self.outcome(pid)["state"]
        return state

    def reason(self, pid: int) -> str | None:
        """Reason code of the skip or failure in one process, if there is one."""
        refusal = self.outcome(pid)["refusal"]
        return refusal["reason"] if refusal else None

    def ids(self) -> list[str]:
        """Ids of the patches that were changed."""
        return [patch["id"] for patch in self.document["patches"]]

    def passed_over(self) -> list[str]:
        """Files of the diffs that are no code."""
        return [name for patch in self.document["patches"] for name in patch["passed_over"]]


class Home:
    """One `PATCHCTL_HOME` with everything below it; the path is short, as socket paths must be."""

    def __init__(self, environment: Environment, folder: Path | None = None) -> None:
        """Take the folder, or make one."""
        self.environment = environment
        self.folder = folder or Path(tempfile.mkdtemp(prefix="pc-", dir="/tmp"))
        self.patches = self.folder / "patches.d"
        self.socket = self.folder / "run" / "patchd.sock"
        self.database = self.folder / "state" / "history.db"

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables of processes that belong to this home."""
        return {"PATCHCTL_HOME": str(self.folder)}

    def run(self, *arguments: object, code: int | None = 0, stdin: str = "", seconds: float = 60) -> Result:
        """Run `patchctl`; `code` is the exit status that it must have, `None` for any."""
        command = (str(self.environment.program("patchctl")), *map(str, arguments))
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={**plain_variables(), **self.variables, "NO_COLOR": "1"},
        )
        total(Kind.COMMANDS)
        result = Result(command, done.returncode, done.stdout, done.stderr)
        assert code is None or result.code == code, f"expected exit status {code}:\n{result.explain()}"
        return result

    def json(self, *arguments: object, code: int | None = 0, stdin: str = "") -> Any:
        """Run `patchctl --json`, and return its document."""
        result = self.run("--json", *arguments, code=code, stdin=stdin)
        try:
            return result.json
        except ValueError as error:
            raise AssertionError(f"no JSON document: {error}\n{result.explain()}") from error

    def add(self, *arguments: object, code: int | None = 0) -> Changed:
        """Run `patchctl add`."""
        return Changed(self.json("add", *arguments, code=code))

    def remove(self, *ids: str, code: int | None = 0) -> Changed:
        """Run `patchctl remove`."""
        return Changed(self.json("remove", *ids, code=code))

    def start(self) -> None:
        """Start the daemon."""
        self.run("daemon", "start")

    def status(self) -> dict[str, Any] | None:
        """The daemon's own state, `None` if none answers."""
        result = self.run("--json", "daemon", "status", code=None)
        return result.json if result.code == 0 else None

    def daemon_pid(self) -> int:
        """Process id of the running daemon."""
        status = self.status()
        assert status is not None, "no daemon runs"
        return int(status["pid"])

    def kill_daemon(self) -> None:
        """End the daemon with SIGKILL, and wait until it is gone."""
        pid = self.daemon_pid()
        os.kill(pid, signal.SIGKILL)
        until(lambda: not running(pid), what=f"the end of process {pid}")

    def linked(self) -> list[int]:
        """Process ids of the linked processes."""
        return sorted(process["pid"] for process in self.json("ps")["processes"])

    def wait_linked(self, *pids: int, seconds: float = 15) -> None:
        """Wait until all these processes have a link."""
        until(self.linked, lambda seen: set(pids) <= set(seen), seconds, f"links of {pids}")

    def audit(self) -> dict[tuple[int, str], str]:
        """State of each patch in each process, read from the live functions: (pid, id) to state."""
        return {
            (row["process"]["pid"], report["patch"]["id"]): report["state"]
            for row in self.json("audit")["processes"]
            for report in row["patches"]
        }

    def state(self, pid: int, patch: str) -> str | None:
        """State of one patch in one process."""
        return self.audit().get((pid, patch))

    def wait_state(self, pid: int, patch: str, wanted: str | None, seconds: float = 15) -> None:
        """Wait until a patch is in a state in a process; `None`: it is out of it."""
        until(lambda: self.state(pid, patch), lambda seen: seen == wanted, seconds, f"{patch} {wanted}")

    def close(self) -> None:
        """Stop the daemon, and remove the folder."""
        total(Kind.DAEMONS, int(self.database.exists()))
        if self.socket.exists():
            self.run("daemon", "stop", code=None, seconds=20)
        shutil.rmtree(self.folder, ignore_errors=True)


def running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
