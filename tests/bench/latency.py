"""How long `patchctl add` takes until the new behaviour is visible, and what the daemon weighs."""

from __future__ import annotations

import json
import os
import select
import statistics
import subprocess
import time
from pathlib import Path

from tests.bench.stage import Stage
from tests.bench.table import Row, milliseconds
from tests.rig.environment import plain_variables
from tests.rig.home import Home
from tests.rig.package import Package, with_header
from tests.rig.waiting import until

WATCHER = Path(__file__).resolve().parents[1] / "targets" / "watcher.py"
GONE_QUIET = 60


class Fleet:
    """Idle processes, each of which tells the moment at which its function's result changed."""

    def __init__(self, stage: Stage, home: Home, package: Package, count: int) -> None:
        """Start them, and wait until all are linked."""
        variables = {**plain_variables(), **home.variables, "PYTHONPATH": str(package.folder)}
        command = [str(stage.hooked.python), str(WATCHER)]
        self.processes = [
            subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for _ in range(count)
        ]
        stage.stack.callback(self.close)
        for process in self.processes:
            assert process.stdout is not None
            process.stdout.readline()
        until(lambda: len(home.linked()), lambda seen: seen >= count, 60, f"{count} links")

    def ask(self, index: int) -> int:
        """What the function returns in one process."""
        process = self.processes[index]
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"?\n")
        process.stdin.flush()
        if not select.select([process.stdout], [], [], GONE_QUIET)[0]:
            raise RuntimeError("a process of the fleet does not answer")
        return int(json.loads(process.stdout.readline()))

    def all_have(self, wanted: int) -> None:
        """Wait until the function returns this in each process."""
        for index in range(len(self.processes)):
            until(lambda at=index: self.ask(at), lambda seen: seen == wanted, 30)  # type: ignore[misc]

    def close(self) -> None:
        """End all."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.communicate()


def add_seconds(home: Home, path: Path, fleet: Fleet) -> float:
    """From the start of `patchctl add` until it has ended; each process must show the new behaviour then."""
    command = [str(home.environment.program("patchctl")), "add", "--quiet", str(path)]
    variables = {**plain_variables(), **home.variables}
    begin = time.perf_counter()
    subprocess.run(command, env=variables, check=True, stdout=subprocess.DEVNULL)
    spent = time.perf_counter() - begin
    if {fleet.ask(index) for index in range(len(fleet.processes))} != {2}:
        raise RuntimeError("`patchctl add` came back before each process had the patch")
    home.remove("fix")
    fleet.all_have(1)
    return spent


def add(stage: Stage, count: int, rounds: int, goal: str) -> Row:
    """`patchctl add` with so many idle processes."""
    package, home = stage.package(), stage.home()
    fleet = Fleet(stage, home, package, count)
    path = package.write_patch("fix.diff", package.diff())
    times = [add_seconds(home, path, fleet) for _ in range(rounds)]
    fleet.close()
    found = f"median {milliseconds(statistics.median(times))}, longest {milliseconds(max(times))}"
    processes = "one idle process" if count == 1 else f"{count} idle processes, the last"
    return Row(f"`patchctl add` until the new behaviour is visible, {processes}", found, goal)


def memory(stage: Stage, count: int, patches: int) -> Row:
    """Resident memory of the daemon with many links and patches."""
    package, home = stage.package(), stage.home()
    header = 'module = "shop.number_{}"'
    for number in range(patches):
        text = with_header(header.format(number), f"def f():\n    return {number}\n")
        (home.patches / f"patch-{number:04}.py").write_text(text)
    fleet = Fleet(stage, home, package, count)
    until(lambda: len(home.json("list")["patches"]), lambda seen: seen == patches, 60, f"{patches} patches")
    home.add(package.write_patch("fix.diff", package.diff()))
    fleet.all_have(2)
    pages = int(Path(f"/proc/{home.daemon_pid()}/statm").read_text().split()[1])
    fleet.close()
    found = f"{pages * os.sysconf('SC_PAGE_SIZE') / 1e6:.1f} MB"
    return Row(f"resident memory of patchd, {count} processes and {patches:,} patches", found, "25 MB")
