"""Servers: how each is started, and one that runs: requests, workers, what it wrote, how it ended."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.rig.environment import Environment, plain_variables
from tests.rig.home import running
from tests.rig.waiting import until
from tests.rig.wheel import ROOT

TARGETS = ROOT / "tests" / "targets"
REQUESTS = 12
"""How many are sent at once: enough for each of two workers to get some."""


@dataclass(frozen=True)
class Server:
    """One way to serve `targets/served.py`; `PORT` stands for a number."""

    name: str
    command: tuple[str, ...]
    workers: int = 2
    renewal: str = "worker"
    """How it comes to start another worker: `worker`, one of them ends; `hangup`, it gets SIGHUP; `none`."""
    oldest: tuple[int, int] = (3, 9)
    """First Python for which there is a release that does so."""

    @property
    def requirements(self) -> tuple[str, ...]:
        """What its environment holds: one for all, but uWSGI is not built for every Python."""
        return ("pyuwsgi",) if self.command[: len(UWSGI)] == UWSGI else REQUIREMENTS


GUNICORN = ("-m", "gunicorn", "--bind", "127.0.0.1:PORT", "--workers", "2", "served:wsgi")
UVICORN = ("-m", "uvicorn", "--port", "PORT", "--log-level", "warning", "served:asgi", "--workers", "2")
HYPERCORN = ("-m", "hypercorn", "--bind", "127.0.0.1:PORT", "--workers", "2", "served:asgi")
UWSGI = ("-c", "import pyuwsgi; pyuwsgi.run()", "--http-socket", "127.0.0.1:PORT", "--module", "served:wsgi")
FREEZE = "import gc\n\n\ndef when_ready(server):\n    gc.collect()\n    gc.freeze()\n"
SERVERS = (
    Server("gunicorn-sync", GUNICORN),
    Server("gunicorn-gthread", (*GUNICORN, "--worker-class", "gthread", "--threads", "2")),
    Server("gunicorn-gevent", (*GUNICORN, "--worker-class", "gevent")),
    Server("gunicorn-preload", (*GUNICORN, "--preload")),
    Server("gunicorn-frozen", (*GUNICORN, "--preload", "--config", "freeze.py")),
    Server("uvicorn", UVICORN),
    Server("uvicorn-uvloop", (*UVICORN, "--loop", "uvloop")),
    Server("hypercorn", HYPERCORN, renewal="hangup", oldest=(3, 10)),
    Server("uwsgi", (*UWSGI, "--master", "--processes", "2", "--die-on-term")),
    Server("uwsgi-lazy", (*UWSGI, "--master", "--processes", "2", "--die-on-term", "--lazy-apps")),
    Server(
        "uwsgi-threads",
        (*UWSGI, "--master", "--processes", "2", "--threads", "2", "--enable-threads", "--die-on-term"),
    ),
    Server("asyncio", (str(TARGETS / "served.py"), "asyncio", "PORT"), 1, renewal="none"),
    Server("uvloop", (str(TARGETS / "served.py"), "uvloop", "PORT"), 1, renewal="none"),
    Server("gevent", (str(TARGETS / "served.py"), "gevent", "PORT"), 1, renewal="none"),
)
REQUIREMENTS = ("gunicorn", "gevent", "uvicorn", "uvloop", "hypercorn", "packaging")


def free_port() -> int:
    """A port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Serving:
    """A server that runs."""

    def __init__(
        self, server: Server, environment: Environment, folder: Path, variables: dict[str, str]
    ) -> None:
        """Start it in a folder that it can write to."""
        self.server = server
        self.port = free_port()
        (folder / "freeze.py").write_text(FREEZE)
        words = [word.replace("PORT", str(self.port)) for word in server.command]
        self.output = folder / f"output-{self.port}"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [str(environment.python), *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**plain_variables(), **variables},
                cwd=folder,
            )

    def request(self, _number: int = 0) -> tuple[int, int]:
        """What one request on a connection of its own brings: process and result."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/")
            process, result = json.loads(connection.getresponse().read())
            return process, result
        finally:
            connection.close()

    def burst(self) -> set[tuple[int, int]]:
        """What many requests at once bring; nothing while it does not listen, or a worker goes away."""
        assert self.process.poll() is None, self.said()
        try:
            with ThreadPoolExecutor(REQUESTS) as pool:
                return set(pool.map(self.request, range(REQUESTS)))
        except (OSError, ValueError, http.client.HTTPException):
            return set()

    def everyone(self, but: int = 0) -> set[tuple[int, int]]:
        """What the requests bring that reached all workers; `but` is a process that must be gone."""
        seen: set[tuple[int, int]] = set()

        def more() -> set[tuple[int, int]]:
            seen.update(self.burst())
            return {one for one in seen if one[0] != but}

        def complete(found: set[tuple[int, int]]) -> bool:
            return len({process for process, _ in found}) >= self.server.workers

        return until(more, complete, 40, f"answers of all workers of {self.server.name}")

    def renew(self, worker: int) -> None:
        """Have it start another worker in place of this one."""
        if self.server.renewal == "worker":
            os.kill(worker, signal.SIGTERM)
        else:
            self.process.send_signal(signal.SIGHUP)
        until(lambda: not running(worker), seconds=20, what=f"the end of worker {worker}")

    def stop(self) -> int:
        """Ask it to end, and give its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def close(self) -> None:
        """End it whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)

    def said(self) -> str:
        """What it wrote to both streams."""
        return self.output.read_text(errors="replace")

    def kinds_of_lines(self) -> set[str]:
        """What it wrote, without what differs from run to run."""
        plain = (re.sub(r"\x1b\[[0-9;]*m", "", line) for line in self.said().splitlines())
        return {re.sub(r"0x[0-9a-f]+|[0-9]+", "N", line).strip() for line in plain}
