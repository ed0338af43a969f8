"""Servers: a patch reaches all workers, also those born later; exit and output are as without us."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from tests.rig import figures, packages, shared
from tests.rig.environment import Environment
from tests.rig.home import Home, running
from tests.rig.interpreters import Interpreter
from tests.rig.package import Package
from tests.rig.servers import SERVERS, TARGETS, Server, Serving

pytestmark = [pytest.mark.slow, *([pytest.mark.every_python] if shared.ALL else [])]
# A few by default; all of them, on every interpreter, with `PATCHCTL_ALL=1`.
FEW = {"gunicorn-sync", "gunicorn-gevent", "uvicorn-uvloop", "uwsgi", "asyncio"}
CHOSEN = [server for server in SERVERS if shared.ALL or server.name in FEW]
Serve = Callable[[dict[str, str]], Serving]


@pytest.fixture
def environment(server: Server, interpreter: Interpreter, wheel_path: Path) -> Environment:
    """An environment with the server."""
    return packages.environment_with(interpreter, wheel_path, *server.requirements)


@pytest.fixture
def serve(server: Server, environment: Environment, package: Package, folder: Path) -> Iterator[Serve]:
    """Start the server, with variables of its own."""
    started: list[Serving] = []

    def begin(variables: dict[str, str]) -> Serving:
        path = f"{package.folder}:{TARGETS}"
        one = Serving(server, environment, folder, {"PYTHONPATH": path, **variables})
        started.append(one)
        return one

    yield begin
    for one in started:
        one.close()


def without_us(serving: Serving) -> tuple[int, set[str]]:
    """Exit status and kinds of lines of the same life with the hook kept out."""
    seen = serving.everyone()
    if serving.server.renewal != "none":
        gone = min(seen)[0]
        serving.renew(gone)
        serving.everyone(but=gone)
    return serving.stop(), serving.kinds_of_lines()


@pytest.mark.parametrize("server", CHOSEN, ids=lambda server: server.name)
def test_server(server: Server, serve: Serve, home: Home, package: Package) -> None:
    if home.environment.interpreter.version < server.oldest:
        pytest.skip(f"{server.name} for this Python starts no new workers when asked to")
    expected = without_us(serve({"PATCHCTL_DISABLE": "1"}))
    home.start()
    serving = serve(home.variables)
    first = serving.everyone()
    assert {result for _, result in first} == {5}
    home.wait_linked(*(process for process, _ in first))
    home.add(package.write_patch("fix.diff", package.diff()))
    patched = serving.everyone()
    assert {result for _, result in patched} == {10}, patched
    if server.renewal != "none":
        gone = min(first)[0]
        serving.renew(gone)
        patched = serving.everyone(but=gone)
        assert {result for process, result in patched if process != gone} == {10}, patched
    # A hangup ends all old workers, one after the other.
    home.wait_linked(*(process for process, _ in patched if running(process)))
    home.remove("fix")
    after = serving.everyone()
    assert {result for _, result in after} == {5}, after
    assert (serving.stop(), serving.kinds_of_lines()) == expected, serving.said()
    figures.total(figures.Kind.PROCESSES, len({process for process, _ in first | patched}))
    figures.tell(
        f"server {server.name}: {len(first | patched)} answers of workers before, with and after a patch"
    )
