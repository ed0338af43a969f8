"""How long `patchctl attach` takes until an idle process runs patched code, and how long it is held."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from pathlib import Path

from tests.bench.latency import WATCHER
from tests.bench.stage import Stage
from tests.bench.table import Row, milliseconds
from tests.rig.environment import plain_variables
from tests.rig.home import Home
from tests.rig.package import Package


def one(stage: Stage, home: Home, package: Package) -> tuple[float, float]:
    """Attach to a fresh idle process without the hook: time until its call is patched, and the pause."""
    variables = {**plain_variables(), "PYTHONPATH": str(package.folder)}
    command = [str(home.environment.program("patchctl")), "--json", "attach"]
    with subprocess.Popen(
        [str(stage.plain.python), str(WATCHER)], env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        settle(process.pid)
        begin = time.perf_counter()
        done = subprocess.run(
            [*command, str(process.pid)],
            env={**plain_variables(), **home.variables},
            check=True,
            capture_output=True,
        )
        process.stdin.write(b"?\n")
        process.stdin.flush()
        result = json.loads(process.stdout.readline())
        spent = time.perf_counter() - begin
        process.kill()
    if result != 2:
        raise RuntimeError("`patchctl attach` came back before the process had the patch")
    (row,) = json.loads(done.stdout)["processes"]
    return spent, row["pause_us"] / 1e6


def settle(pid: int) -> None:
    """Wait until the process is blocked in its read."""
    deadline = time.monotonic() + 10
    while not Path(f"/proc/{pid}/syscall").read_text().startswith("0 "):
        if time.monotonic() > deadline:
            raise RuntimeError("the process does not become idle")
        time.sleep(0.001)


def attach(stage: Stage, rounds: int) -> list[Row]:
    """Both, over some fresh processes."""
    package, home = stage.package(), stage.home()
    home.add(package.write_patch("fix.diff", package.diff()))
    times, pauses = zip(*[one(stage, home, package) for _ in range(rounds)])

    def found(values: tuple[float, ...]) -> str:
        return f"median {milliseconds(statistics.median(values))}, longest {milliseconds(max(values))}"

    return [
        Row("`patchctl attach` until a patched call in an idle process", found(times), "20 ms"),
        Row("pause of that process", found(pauses), "5 ms"),
    ]
