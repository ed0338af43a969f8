"""Work that is spread over processes: each worker has the patch, also those that are born later."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Starter
from tests.rig import figures, packages, shared
from tests.rig.application import Application
from tests.rig.environment import Environment, plain_variables
from tests.rig.home import Home, running
from tests.rig.interpreters import Interpreter
from tests.rig.package import Package
from tests.rig.servers import TARGETS
from tests.rig.waiting import until

pytestmark = [pytest.mark.every_python] if shared.ALL else []
REQUIREMENTS = ("celery", "pytest-xdist", "ipykernel", "jupyter_client")
POOLS = {
    **{
        f"multiprocessing-{method}": f"multiprocessing.get_context({method!r}).Pool(2)"
        for method in ("fork", "forkserver", "spawn")
    },
    **{
        f"futures-{method}": "concurrent.futures.ProcessPoolExecutor("
        f"2, mp_context=multiprocessing.get_context({method!r}))"
        for method in ("fork", "forkserver", "spawn")
    },
}
MAP = "sorted(map(tuple, pool.map(served.task, range(12), chunksize=1)))"
XDIST = """
import os, pathlib, time
import pytest
import shop.price

@pytest.mark.parametrize("number", range(4))
def test_result(number):
    folder = pathlib.Path("notes")
    (folder / "begun-{}".format(os.getpid())).touch()
    deadline = time.monotonic() + 60
    while not (folder / "patched").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert shop.price.net(5) == 10
"""


@pytest.fixture
def variables(home: Home, package: Package) -> dict[str, str]:
    """Variables of a program that finds the package, the targets, and the daemon."""
    path = f"{package.folder}:{TARGETS}"
    return {**plain_variables(), **home.variables, "PYTHONPATH": path}


@pytest.fixture
def pooled(home: Home, start: Starter, package: Package) -> Application:
    """An application with a link that can make pools."""
    home.start()
    app = start(variables={"PYTHONPATH": f"{package.folder}:{TARGETS}"})
    app.exec("import multiprocessing, concurrent.futures, served")
    home.wait_linked(app.pid)
    return app


@pytest.mark.parametrize("kind", POOLS)
def test_pool(home: Home, pooled: Application, package: Package, kind: str) -> None:
    pooled.exec(f"pool = {POOLS[kind]}")
    seen: dict[int, Any] = {}
    until(lambda: seen.update(pooled.eval(MAP)) or len(seen), lambda count: count == 2, 30, "both workers")
    assert set(seen.values()) == {5}
    home.wait_linked(*seen)
    home.add(package.write_patch("fix.diff", package.diff()))
    assert {result for _, result in pooled.eval(MAP)} == {10}
    pooled.exec(f"more = {POOLS[kind]}")
    born = dict(pooled.eval(MAP.replace("pool.", "more.")))
    assert not set(born) & set(seen)
    assert set(born.values()) == {10}
    home.wait_linked(*born)
    home.remove("fix")
    assert {result for _, result in pooled.eval(MAP) + pooled.eval(MAP.replace("pool.", "more."))} == {5}
    end = "shutdown()" if kind.startswith("futures") else "terminate(); {0}.join()"
    pooled.exec("\n".join(f"{name}.{end.format(name)}" for name in ("pool", "more")))
    assert (pooled.close(), pooled.said()) == (0, "")


@pytest.fixture
def with_tools(interpreter: Interpreter, wheel_path: Path) -> Environment:
    """An environment with Celery, xdist and a Jupyter kernel."""
    return packages.environment_with(interpreter, wheel_path, *REQUIREMENTS)


@pytest.fixture
def celery_worker(
    with_tools: Environment, variables: dict[str, str], folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker with two processes, in the test's folder."""
    command = ["-m", "celery", "-A", "queued", "worker", "--concurrency", "2", "--without-mingle"]
    with (folder / "celery").open("wb") as output:
        worker = subprocess.Popen(
            [str(with_tools.python), *command, "--without-gossip"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=variables,
            cwd=folder,
        )
    yield worker
    worker.kill()
    worker.wait(20)


@pytest.fixture
def sender(with_tools: Environment, package: Package, folder: Path) -> Iterator[Application]:
    """An application without the hook that sends tasks to the worker."""
    variables = {"PYTHONPATH": f"{package.folder}:{TARGETS}", "PATCHCTL_DISABLE": "1"}
    one = Application(with_tools, variables, cwd=folder)
    yield one
    one.close()


@pytest.mark.slow
def test_celery(
    home: Home, celery_worker: subprocess.Popen[bytes], sender: Application, package: Package, folder: Path
) -> None:
    home.start()
    sender.exec("import queued")
    send = "[one.get(80) for one in [queued.task.delay() for _ in range(8)]]"
    seen: dict[int, Any] = {}
    until(lambda: seen.update(sender.eval(send, 90)) or len(seen), lambda count: count == 2, 60, "workers")
    assert set(seen.values()) == {5}
    home.wait_linked(celery_worker.pid, *seen)
    home.add(package.write_patch("fix.diff", package.diff()))
    assert {result for _, result in sender.eval(send, 90)} == {10}
    gone = min(seen)
    os.kill(gone, signal.SIGTERM)
    until(lambda: not running(gone), what="the end of a worker")
    later: dict[int, Any] = {}
    until(
        lambda: later.update(sender.eval(send, 90)) or len(set(later) - {gone}),
        lambda count: count == 2,
        30,
        "a new worker",
    )
    assert set(later.values()) == {10}
    home.remove("fix")
    assert {result for _, result in sender.eval(send, 90)} == {5}
    celery_worker.send_signal(signal.SIGTERM)
    assert celery_worker.wait(20) == 0, (folder / "celery").read_text()
    said = (folder / "celery").read_text()
    assert "patchctl" not in said.replace(str(sender.environment.folder), ""), said
    figures.total(figures.Kind.PROCESSES, len(seen | later))
    figures.tell(f"celery: {len(seen | later)} processes of a worker")


@pytest.mark.slow
def test_xdist(
    home: Home, with_tools: Environment, variables: dict[str, str], package: Package, folder: Path
) -> None:
    home.start()
    notes = folder / "notes"
    notes.mkdir()
    (folder / "test_shop.py").write_text(XDIST)
    command = ["-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "-W", "error", "test_shop.py"]
    running_suite = subprocess.Popen(
        [str(with_tools.python), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=variables,
        cwd=folder,
        text=True,
    )
    begun = until(lambda: list(notes.glob("begun-*")), lambda found: len(found) == 2, 40, "both workers")
    home.wait_linked(*(int(path.name.split("-")[1]) for path in begun))
    home.add(package.write_patch("fix.diff", package.diff()))
    (notes / "patched").touch()
    said, _ = running_suite.communicate(timeout=60)
    assert running_suite.returncode == 0, said
    assert "4 passed" in said
    assert "warning" not in said


@pytest.mark.slow
def test_jupyter_kernel(
    home: Home, with_tools: Environment, variables: dict[str, str], package: Package, folder: Path
) -> None:
    home.start()
    client = subprocess.Popen(
        [str(with_tools.python), str(TARGETS / "kernel_client.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(folder / "kernel").open("wb"),
        env={**variables, "IPYTHONDIR": str(folder / "ipython"), "HOME": str(folder)},
        cwd=folder,
        text=True,
    )
    assert client.stdin is not None
    assert client.stdout is not None

    def run(line: str) -> str:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(line + "\n")
        client.stdin.flush()
        return client.stdout.readline().strip()

    try:
        kernel = int(run("import os, shop.price; print(os.getpid())"))
        home.wait_linked(kernel)
        assert run("print(shop.price.net(5))") == "5"
        home.add(package.write_patch("fix.diff", package.diff()))
        assert run("print(shop.price.net(5))") == "10"
        home.remove("fix")
        assert run("print(shop.price.net(5))") == "5"
        client.stdin.close()
        assert client.wait(30) == 0
        until(lambda: not running(kernel), what="the kernel's end")
    finally:
        client.kill()
        client.wait(20)
    said = (folder / "kernel").read_text()
    assert "patchctl" not in said.replace(str(with_tools.folder), ""), said
