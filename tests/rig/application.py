"""A long-running Python process that is steered over its standard input."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.rig.environment import Environment, plain_variables
from tests.rig.figures import Kind, total

TARGET = Path(__file__).resolve().parents[1] / "targets" / "application.py"


class RemoteError(AssertionError):
    """What was evaluated in the application raised; `line` is that of the text, counted from 1."""

    line: int | None = None


class Application:
    """The process, and a conversation with it: one JSON line each way."""

    def __init__(
        self,
        environment: Environment,
        variables: dict[str, str],
        *,
        options: tuple[str, ...] = (),
        command: tuple[str, ...] = (),
        idle: str = "block",
        cwd: Path | None = None,
        errors: Path | None = None,
        prefix: tuple[str, ...] = (),
    ) -> None:
        """Start it, and wait until it says that it is ready; `prefix` is a command that starts it."""
        program = command or (str(TARGET), "--idle", idle)
        self.environment = environment
        self.errors = errors
        stderr = errors.open("wb") if errors else None
        total(Kind.PROCESSES)
        self.process = subprocess.Popen(
            [*prefix, str(environment.python), *options, *program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**plain_variables(), **variables},
            cwd=cwd,
        )
        if stderr:
            stderr.close()
        self._unread = b""
        ready = self._read(60)
        assert "ready" in ready, f"the application said {ready!r} at its start"
        self.pid: int = ready["ready"]

    def _read(self, seconds: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        deadline = time.monotonic() + seconds
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            assert left > 0, f"the application did not answer within {seconds} s"
            if select.select([descriptor], [], [], left)[0]:
                data = os.read(descriptor, 65536)
                assert data, f"the application ended with status {self.process.wait(10)}; {self.said()}"
                self._unread += data
        line, self._unread = self._unread.split(b"\n", 1)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ask(self, verb: str, text: str, seconds: float) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({verb: text}).encode() + b"\n")
        self.process.stdin.flush()
        answer = self._read(seconds)
        if "error" in answer:
            error = RemoteError(answer["error"])
            error.line = answer["line"]
            raise error
        return answer["value"]

    def eval(self, expression: str, seconds: float = 30) -> Any:
        """Value of an expression in the application, as JSON carries it."""
        return self._ask("eval", expression, seconds)

    def exec(self, statements: str, seconds: float = 60) -> None:
        """Run statements in the application."""
        self._ask("exec", statements, seconds)

    def replace(self) -> None:
        """Have the process run the same program anew, by `os.exec*`."""
        assert self.process.stdin is not None
        assert isinstance(self.process.args, list)
        words = [os.fspath(word) for word in self.process.args]
        run = f"import os, __main__; os.dup2(__main__.OUTPUT, 1); os.execv({words[0]!r}, {words!r})"
        self.process.stdin.write(json.dumps({"exec": run}).encode() + b"\n")
        self.process.stdin.flush()
        assert self._read(60) == {"ready": self.pid}

    def said(self) -> str:
        """What it wrote to standard error, where that goes to a file."""
        return self.errors.read_text() if self.errors else ""

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def close(self) -> int:
        """End its input, and return its exit status."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.close()
            return self.process.wait(20)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            return self.process.wait(20)
        finally:
            self.process.stdout.close()
