"""Debuggers, profilers, tracers and import hooks of other projects, with us and patches in one process."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.rig import packages, shared
from tests.rig.application import Application
from tests.rig.debugger import Debugger
from tests.rig.environment import Environment, plain_variables
from tests.rig.home import Home
from tests.rig.interpreters import Interpreter
from tests.rig.package import COUNT, FILES, NET, Package
from tests.rig.servers import free_port
from tests.rig.waiting import until_equal

pytestmark = [pytest.mark.slow, *([pytest.mark.every_python] if shared.ALL else [])]
REQUIREMENTS = (
    *("coverage", "debugpy", "py-spy", "memray", "ddtrace", "opentelemetry-distro", "sentry-sdk", "wrapt"),
    *("ipython", "beartype", "typeguard", "pytest"),
)
TYPED = '''\
"""Annotated functions."""


def double(amount: int) -> int:
    """Return the amount."""
    return amount


class Box:
    """Holds an amount."""

    def get(self, amount: int) -> int:
        """Return the amount."""
        return amount + 1
'''
DOUBLE = (
    '"""Return the amount."""\n    return amount\n',
    '"""Return the amount."""\n    return amount * 2\n',
)
LINE = 1 + FILES["shop/price.py"].split(NET[0])[0].count("\n")
"""Line of `shop.price.net` that the patch changes."""
Begin = Callable[..., Application]


@pytest.fixture
def environment(interpreter: Interpreter, wheel_path: Path) -> Environment:
    """An environment with all tools."""
    return packages.environment_with(interpreter, wheel_path, *REQUIREMENTS)


@pytest.fixture
def package(folder: Path) -> Package:
    """The sample package with annotated functions."""
    return Package(folder / "site", {**FILES, "shop/typed.py": TYPED})


@pytest.fixture
def begin(home: Home, start: Begin, environment: Environment) -> Begin:
    """Start an application with a link, by options of Python or by a program of the environment."""

    def begin(*options: str, program: str = "", **others: Any) -> Application:
        home.start()
        prefix = (str(environment.program(program)),) if program else ()
        one = start(options=options, prefix=prefix, **others)
        home.wait_linked(one.pid)
        return one

    return begin


def both_ways(home: Home, app: Application, package: Package) -> None:
    """Patch a module that is loaded and one that is loaded later, and take both patches out again."""
    app.exec("import shop.price")
    home.add(package.write_patch("net.diff", package.diff()))
    home.add(package.write_patch("count.diff", package.diff("shop/stock.py", COUNT)), code=None)
    app.exec("import shop.stock")
    assert app.eval("(shop.price.net(5), shop.stock.count('a'))") == [10, 101]
    home.wait_state(app.pid, "count", "active")
    home.remove("net", "count")
    assert app.eval("(shop.price.net(5), shop.stock.count('a'))") == [5, 1]


def ended(app: Application) -> str:
    """End an application, which must go well, and give what it wrote to standard error."""
    assert app.close() == 0, app.said()
    return app.said()


def output(environment: Environment, *command: str, **variables: str) -> str:
    """Output of a program of the environment, which must succeed."""
    name, *arguments = command
    done = subprocess.run(
        [str(environment.program(name)), *arguments],
        capture_output=True,
        text=True,
        env={**plain_variables(), **variables},
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


@pytest.mark.parametrize("core", ["ctrace", "pytrace", "sysmon"])
def test_coverage(home: Home, begin: Begin, package: Package, folder: Path, core: str) -> None:
    if core == "sysmon" and home.environment.interpreter.version < (3, 12):
        pytest.skip("sys.monitoring is new in Python 3.12")
    data, report = str(folder / "coverage"), folder / "report.json"
    app = begin(
        *("-m", "coverage", "run", "--include=*/shop/*"),
        variables={"COVERAGE_CORE": core, "COVERAGE_FILE": data},
    )
    both_ways(home, app, package)
    app.exec("import shop.typed")
    home.add(package.write_patch("double.diff", package.diff("shop/typed.py", DOUBLE)))
    assert app.eval("shop.typed.double(5)") == 10
    home.remove("double")
    assert ended(app) == ""
    output(home.environment, "coverage", "json", "-o", str(report), COVERAGE_FILE=data)
    found = json.loads(report.read_text())["files"]
    lines = {str(Path(name).resolve()): file["executed_lines"] for name, file in found.items()}
    price, typed = (str((package.folder / "shop" / name).resolve()) for name in ("price.py", "typed.py"))
    assert LINE in lines[price]
    assert 6 in lines[typed], "the line of a function that ran only while it was patched"
    assert 14 not in lines[typed], "the line of a function that never ran"


def test_debugpy(home: Home, begin: Begin, package: Package) -> None:
    port = free_port()
    app = begin("-m", "debugpy", "--listen", f"127.0.0.1:{port}")
    app.exec("import shop.price")
    debugger = Debugger(port)
    debugger.break_at(str(package.folder / "shop" / "price.py"), LINE)
    debugger.ask("configurationDone")
    with ThreadPoolExecutor(1) as pool:

        def stops() -> tuple[Any, Any]:
            value = pool.submit(app.eval, "shop.price.net(5)")
            return debugger.where(), value.result(30)

        assert stops() == (("net", LINE, "5"), 5)
        home.add(package.write_patch("net.diff", package.diff()))
        debugger.break_at(app.eval("shop.price.net.__code__.co_filename"), LINE)
        assert stops() == (("net", LINE, "5"), 10)
        home.remove("net")
        assert stops() == (("net", LINE, "5"), 5)
    debugger.close()
    assert app.close() == 0


def test_pdb(home: Home, begin: Begin, package: Package) -> None:
    app = begin()
    app.exec("import shop.price, pdb, io")
    app.exec(
        "def debug():\n"
        "    said = io.StringIO()\n"
        "    debugger = pdb.Pdb(stdin=io.StringIO('continue\\ncontinue\\n'), stdout=said, nosigint=True)\n"
        f"    debugger.set_break(shop.price.net.__code__.co_filename, {LINE})\n"
        "    return debugger.runcall(shop.price.net, 5), said.getvalue()\n"
    )
    home.add(package.write_patch("net.diff", package.diff()))
    value, said = app.eval("debug()")
    assert (value, "-> return amount * 2" in said.splitlines()) == (10, True), said
    assert f"price.py({LINE})net()" in said
    home.remove("net")
    value, said = app.eval("debug()")
    assert (value, "-> return amount" in said.splitlines()) == (5, True), said
    assert ended(app) == ""


def test_py_spy(home: Home, begin: Begin, package: Package) -> None:
    app = begin()
    app.exec("import shop.price, threading")
    waiting = "    return gate.wait(60) and amount * 2\n"
    text = package.diff("shop/price.py", (NET[0], waiting), ("RATE = 20\n", "RATE = 20\ngate = None\n"))
    home.add(package.write_patch("net.diff", text))
    app.exec("shop.price.gate = threading.Event(); found = []")
    app.exec("thread = threading.Thread(target=lambda: found.append(shop.price.net(5))); thread.start()")
    command = [str(home.environment.program("py-spy")), "dump", "--pid", str(app.pid)]
    dump = subprocess.run(command, capture_output=True, text=True, check=False)
    app.exec("shop.price.gate.set(); thread.join(20)")
    assert app.eval("found") == [10]
    if "ailed to find a python version" in dump.stderr or "nsupported version" in dump.stderr:
        pytest.skip(f"py-spy does not know this Python: {dump.stderr.splitlines()[-1]}")
    assert dump.returncode == 0, dump.stderr
    assert f"price.py:{LINE + 1})" in dump.stdout, dump.stdout
    assert ended(app) == ""


def test_memray(home: Home, begin: Begin, package: Package, folder: Path) -> None:
    data, report = folder / "memray.bin", folder / "memray.json"
    app = begin("-m", "memray", "run", "--quiet", "--output", str(data))
    both_ways(home, app, package)
    large = "    return amount * 2 * bool(bytearray(50 << 20))\n"
    home.add(package.write_patch("net.diff", package.diff("shop/price.py", (NET[0], large))))
    assert app.eval("shop.price.net(5)") == 10
    home.remove("net")
    assert "patchctl" not in ended(app)
    output(home.environment, "memray", "stats", "--json", "--output", str(report), str(data))
    assert f"shop/price.py:{LINE}" in report.read_text()


def require_ddtrace(environment: Environment) -> None:
    """Skip where it says itself that it does not know this Python."""
    command = [str(environment.python), "-c", "import ddtrace.internal.wrapping"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=plain_variables())
    if "NotImplementedError" in done.stderr:
        pytest.skip(f"ddtrace: {done.stderr.splitlines()[-1]}")


@pytest.mark.parametrize("program", ["ddtrace-run", "opentelemetry-instrument"])
def test_instrumented(home: Home, begin: Begin, package: Package, program: str) -> None:
    if program == "ddtrace-run":
        require_ddtrace(home.environment)
    quiet = {"DD_TRACE_ENABLED": "false", "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false"}
    none = {f"OTEL_{kind}_EXPORTER": "none" for kind in ("TRACES", "METRICS", "LOGS")}
    app = begin(program=program, variables={**quiet, **none})
    both_ways(home, app, package)
    assert "patchctl" not in ended(app).replace(str(home.environment.folder), "")


def test_ddtrace_wraps_functions(home: Home, begin: Begin, package: Package) -> None:
    require_ddtrace(home.environment)
    app = begin()
    app.exec("import shop.price, shop.stock\nfrom ddtrace.internal.wrapping import wrap, unwrap")
    app.exec("def more(function, arguments, keywords):\n    return function(*arguments, **keywords) + 1")
    app.exec("wrap(shop.price.net, more)")
    changed = home.add(package.write_patch("net.diff", package.diff()), code=None)
    if changed.state(app.pid) == "active":
        assert app.eval("shop.price.net(5)") == 11
    else:
        assert changed.reason(app.pid) in {"fingerprint-mismatch", "unsupported-change", "target-not-found"}
        assert app.eval("shop.price.net(5)") == 6
    home.remove("net")
    assert app.eval("shop.price.net(5)") == 6
    home.add(package.write_patch("count.diff", package.diff("shop/stock.py", COUNT)))
    app.exec("wrap(shop.stock.count, more)")
    assert app.eval("shop.stock.count('a')") == 102
    home.remove("count", code=None)
    assert app.eval("shop.stock.count('a')") in {2, 102}
    if app.eval("shop.stock.count('a')") == 102:
        assert home.state(app.pid, "count") is not None, "code of a patch that runs is reported"


def test_sentry(home: Home, begin: Begin, package: Package) -> None:
    app = begin()
    app.exec(
        "import sentry_sdk\n"
        "events = []\n"
        "class Kept(sentry_sdk.transport.Transport):\n"
        "    def capture_envelope(self, envelope):\n"
        "        events.append(envelope.get_event())\n"
        "sentry_sdk.init(dsn='http://key@localhost:1/1', transport=Kept)\n"
    )
    both_ways(home, app, package)
    home.add(package.write_patch("net.diff", package.diff()))
    app.exec("try:\n    shop.price.net(None)\nexcept TypeError:\n    sentry_sdk.capture_exception()")
    frame = app.eval("events[-1]['exception']['values'][0]['stacktrace']['frames'][-1]")
    assert (frame["function"], frame["lineno"]) == ("net", LINE)
    assert frame["context_line"].strip().startswith("return amount")
    home.remove("net")
    assert ended(app) == ""


def test_wrapt(home: Home, begin: Begin, package: Package) -> None:
    app = begin()
    app.exec(
        "import wrapt\n"
        "def more(wrapped, instance, arguments, keywords):\n"
        "    return wrapped(*arguments, **keywords) + 1\n"
        "wrapt.register_post_import_hook(\n"
        "    lambda module: wrapt.wrap_function_wrapper(module, 'count', more), 'shop.stock')\n"
        "wrapt.wrap_function_wrapper('shop.price', 'net', more)\n"
    )
    home.add(package.write_patch("net.diff", package.diff()))
    home.add(package.write_patch("count.diff", package.diff("shop/stock.py", COUNT)), code=None)
    app.exec("import shop.price, shop.stock")
    assert app.eval("(shop.price.net(5), shop.stock.count('a'))") == [11, 102]
    home.remove("net", "count")
    assert app.eval("(shop.price.net(5), shop.stock.count('a'))") == [6, 2]
    assert ended(app) == ""


def test_autoreload(home: Home, begin: Begin, package: Package) -> None:
    app = begin()
    app.exec(
        "import shop.price\n"
        "from shop.price import net\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell()\n"
        "shell.run_line_magic('load_ext', 'autoreload')\n"
        "shell.run_line_magic('autoreload', '2')\n"
        "shell.run_cell('import shop.price')\n"
    )
    home.add(package.write_patch("net.diff", package.diff()))
    assert app.eval("(net(5), shop.price.total(5))") == [10, 30]
    path = package.folder / "shop" / "price.py"
    path.write_text(path.read_text().replace("+ tax\n", "+ tax + 1000\n"))
    app.exec("import os, time\nos.utime(shop.price.__file__, (time.time() + 5,) * 2)")
    app.exec("shell.run_cell('pass')")
    until_equal(lambda: app.eval("(net(5), shop.price.net(5), shop.price.total(5))"), [10, 10, 1030])
    home.remove("net")
    assert app.eval("(net(5), shop.price.net(5), shop.price.total(5))") == [5, 5, 1025]
    assert "patchctl" not in ended(app)


def test_assertions_rewritten_by_pytest(home: Home, package: Package, folder: Path) -> None:
    home.start()
    for name, change in (("net", NET), ("count", COUNT)):
        file = "shop/price.py" if name == "net" else "shop/stock.py"
        home.add(package.write_patch(f"{name}.diff", package.diff(file, change)), code=None)
    (folder / "conftest.py").write_text(
        "import pytest\npytest.register_assert_rewrite('shop.price', 'shop.stock')\n"
    )
    (folder / "test_shop.py").write_text(
        "import time, shop.price, shop.stock\n"
        "def test_patched():\n"
        "    deadline = time.monotonic() + 20\n"
        "    while (shop.price.net(5), shop.stock.count('a')) != (10, 101):\n"
        "        assert time.monotonic() < deadline\n"
        "        time.sleep(0.01)\n"
        "def test_explained():\n"
        "    assert shop.price.net(5) == 11\n"
    )
    done = subprocess.run(
        [str(home.environment.program("pytest")), "-q", "-p", "no:cacheprovider", "test_shop.py"],
        capture_output=True,
        text=True,
        env={
            **plain_variables(),
            **home.variables,
            "PYTHONPATH": str(package.folder),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        cwd=folder,
        check=False,
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "assert 10 == 11" in done.stdout, done.stdout


BEARTYPE = "from beartype.claw import beartype_package; beartype_package('shop')"
TYPEGUARD = "import typeguard; typeguard.install_import_hook('shop')"
REFUSED = """
def refused(call):
    try:
        call("x")
    except Exception as error:
        return type(error).__module__.split(".")[0]
"""


@pytest.mark.parametrize("when", ["import", "live"])
def test_beartype(home: Home, begin: Begin, package: Package, when: str) -> None:
    app = begin()
    app.exec(BEARTYPE + REFUSED)
    if when == "live":
        app.exec("import shop.typed")
    home.add(package.write_patch("double.diff", package.diff("shop/typed.py", DOUBLE)), code=None)
    app.exec("import shop.typed")
    until_equal(lambda: app.eval("shop.typed.double(5)"), 10)
    home.wait_state(app.pid, "double", "active")
    assert app.eval("(refused(shop.typed.Box().get), refused(shop.typed.double))") == ["beartype", "beartype"]
    home.remove("double")
    assert app.eval("(shop.typed.double(5), refused(shop.typed.double))") == [5, "beartype"]
    assert ended(app) == ""


@pytest.mark.parametrize("when", ["import", "live"])
def test_typeguard_rewrites_functions_and_is_refused(
    home: Home, begin: Begin, package: Package, when: str
) -> None:
    app = begin()
    app.exec(TYPEGUARD + REFUSED)
    if when == "live":
        app.exec("import shop.typed")
    home.add(package.write_patch("double.diff", package.diff("shop/typed.py", DOUBLE)), code=None)
    app.exec("import shop.typed")
    home.wait_state(app.pid, "double", "skipped")
    (row,) = home.json("audit")["processes"]
    assert row["patches"][0]["refusal"]["reason"] == "fingerprint-mismatch"
    assert app.eval("(shop.typed.double(5), refused(shop.typed.double))") == [5, "typeguard"]
    home.remove("double")
    assert ended(app) == ""
