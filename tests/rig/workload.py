"""A process without the hook that checks itself, to be attached to."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.rig.environment import Environment, plain_variables
from tests.rig.figures import Kind, total

TARGET = Path(__file__).resolve().parents[1] / "targets" / "workload.py"


class Workload:
    """The process, from its ready line to its own verdict."""

    def __init__(
        self,
        environment: Environment,
        situation: str,
        *limits: str,
        prefix: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        """Start it; `limits` are statements that it runs first, `prefix` is a command that starts it."""
        total(Kind.PROCESSES)
        self.process = subprocess.Popen(
            [*prefix, str(environment.python), str(TARGET), situation, *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**plain_variables(), **options.pop("variables", {})},
            **options,
        )
        self.pid = self._outer(int(self._line()["ready"]), bool(prefix))

    def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], 30)[0]:
            raise AssertionError(f"process {self.process.pid} says nothing")
        line = self.process.stdout.readline()
        assert line, f"the process ended with {self.process.wait(10)}: {self._errors()}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _errors(self) -> str:
        assert self.process.stderr is not None
        said: bytes = self.process.stderr.read()
        return said.decode()

    def _outer(self, inner: int, started_by_another: bool) -> int:
        """Its pid as seen from here: its own, or that of the only child of what started it."""
        if not started_by_another:
            return inner
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        children = path.read_text().split()
        return int(children[0]) if children else self.process.pid

    def threads(self) -> int:
        """How many threads it has."""
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def state(self) -> str:
        """Its state, as one letter."""
        return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]

    def finish(self) -> int:
        """End it, and hold it to its promise: no mistakes, a clean exit, silence. Returns its rounds."""
        os.kill(self.pid, signal.SIGUSR1)
        verdict = self._line()
        assert verdict["mistakes"] == [], f"mistakes: {verdict['mistakes']}"
        status, said = self.process.wait(20), self._errors()
        assert (status, said) == (0, ""), f"it ended with {status} and said {said!r}"
        return int(verdict["rounds"])

    def close(self) -> None:
        """End it in any case."""
        if self.process.poll() is None:
            self.process.kill()
            if self.pid != self.process.pid and Path(f"/proc/{self.pid}").exists():
                os.kill(self.pid, signal.SIGKILL)
        self.process.communicate()
