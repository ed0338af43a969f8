"""Fixtures: the wheel, one environment per interpreter, a home, the command line, applications."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.rig import figures, interpreters, wheel
from tests.rig.application import Application
from tests.rig.environment import Environment, bare, with_wheel
from tests.rig.home import Home
from tests.rig.interpreters import Interpreter
from tests.rig.package import Package
from tests.rig.workload import Workload

FOUND = interpreters.find()
SECONDS = 120
SLOW_SECONDS = 1500
Starter = Callable[..., Application]
Connected = Callable[..., Application]
Work = Callable[..., Workload]


def pytest_report_header() -> list[str]:
    """Say which interpreters are there and which are missing."""
    present = ", ".join(".".join(map(str, found.release)) for found in FOUND)
    missing = ", ".join(interpreters.missing(FOUND)) or "none"
    return [f"interpreters: {present}; missing: {missing}"]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the figures."""
    lines = [*figures.summary()]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count the faults that were withstood."""
    if report.when == "call" and report.passed and "fault" in report.keywords:
        figures.total(figures.Kind.FAULTS)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests marked `every_python` on all interpreters, the others on one."""
    if "interpreter" in metafunc.fixturenames:
        every = metafunc.definition.get_closest_marker("every_python")
        wanted = FOUND if every else [interpreters.default(FOUND)]
        metafunc.parametrize("interpreter", wanted, ids=lambda one: one.name, scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Watch over each test: one that hangs fails after a time, with a traceback."""
    seconds = SLOW_SECONDS if item.get_closest_marker("slow") else SECONDS

    def bite(_number: int, _frame: Any) -> None:
        pytest.fail(f"the watchdog ended this test after {seconds} s")

    before = signal.signal(signal.SIGALRM, bite)
    signal.alarm(seconds)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def wheel_path() -> Path:
    """The wheel under test."""
    left = signal.alarm(SLOW_SECONDS)
    path = wheel.locate()
    signal.alarm(left or SECONDS)
    return path


@pytest.fixture(scope="session")
def environment(interpreter: Interpreter, wheel_path: Path) -> Environment:
    """A virtual environment with the wheel."""
    return with_wheel(interpreter, wheel_path)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path for files of the test."""
    path = Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def home(environment: Environment) -> Iterator[Home]:
    """A daemon's folder; the daemon starts with the first command that needs it."""
    one = Home(environment)
    yield one
    one.close()


@pytest.fixture
def package(folder: Path) -> Package:
    """The sample package, importable by applications."""
    return Package(folder / "site")


@pytest.fixture
def start(environment: Environment, home: Home, package: Package, folder: Path) -> Iterator[Starter]:
    """Start applications that can import the sample package and belong to the home."""
    started: list[Application] = []

    def begin(**options: Any) -> Application:
        variables = {
            **home.variables,
            "PYTHONPATH": str(package.folder),
            **options.pop("variables", {}),
        }
        errors = options.pop("errors", folder / f"stderr-{len(started)}")
        one = Application(environment, variables, errors=errors, **options)
        started.append(one)
        return one

    yield begin
    for one in started:
        one.close()


@pytest.fixture
def connected(home: Home, start: Starter) -> Connected:
    """Start the daemon and an application, let that run some statements, and wait for its link."""

    def begin(statements: str = "") -> Application:
        home.start()
        one = start()
        if statements:
            one.exec(statements)
        home.wait_linked(one.pid)
        return one

    return begin


@pytest.fixture
def app(connected: Connected) -> Application:
    """An application with a link, that has imported the sample package."""
    return connected("import shop.price, shop.stock")


@pytest.fixture(scope="session")
def without_hook(interpreter: Interpreter) -> Iterator[Environment]:
    """An environment of the interpreter without the hook."""
    folder = Path(tempfile.mkdtemp(prefix="pa-", dir="/tmp"))
    folder.chmod(0o755)
    yield bare(folder / "plain", interpreter)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def work(without_hook: Environment) -> Iterator[Work]:
    """Start workloads."""
    begun: list[Workload] = []

    def start(situation: str, *limits: str, **options: Any) -> Workload:
        begun.append(Workload(without_hook, situation, *limits, **options))
        return begun[-1]

    yield start
    for one in begun:
        one.close()
