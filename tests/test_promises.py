"""One test for each promise of the README's section "Promises"; each fails when its promise is broken."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.rig.application import Application
from tests.rig.environment import plain_variables
from tests.rig.home import Home
from tests.rig.liar import Liar, floods, is_silent, says, says_and_closes, trickles
from tests.rig.package import COUNT, Package, with_header

BOUND = 3.0


def run_bounded(
    home: Home, code: str, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a short program that must end, as it would without the hook, within a bound."""
    begin = time.monotonic()
    done = subprocess.run(
        [str(home.environment.python), "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**plain_variables(), **home.variables, **(variables or {})},
        check=False,
    )
    assert time.monotonic() - begin < BOUND
    assert (done.returncode, done.stderr) == (0, "")
    return done


LIES = {
    "silent": is_silent,
    "hangs up": says_and_closes(b""),
    "garbage": says(b"\x00\xff\n" * 10),
    "no JSON": says(b"hello\n"),
    "unknown": says(b'{"daemon":"surprise"}\n'),
    "half": says_and_closes(b'{"daemon":"desired","revi'),
    "trickles": trickles,
    "floods": floods,
    "refuses": says(b'{"daemon":"refused","message":"this daemon speaks protocol 99, not 1"}\n'),
    "nonsense": says(b'{"daemon":"desired","revision":1,"modules":[{"name":"shop.price","digest":"x"}]}\n'),
}


@pytest.mark.every_python
@pytest.mark.parametrize("lie", LIES)
def test_promise_1_a_lying_daemon_never_hurts(home: Home, package: Package, lie: str) -> None:
    daemon = Liar(home, LIES[lie])
    try:
        code = "import shop.price, shop.stock; print(shop.price.net(5))"
        done = run_bounded(home, code, {"PYTHONPATH": str(package.folder)})
        assert done.stdout == "5\n"
    finally:
        daemon.close()


@pytest.mark.every_python
def test_promise_1_a_stopped_daemon_never_hurts(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    pid = home.daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        code = "import shop.price; print(shop.price.net(5) in (5, 10))"
        assert run_bounded(home, code, {"PYTHONPATH": str(package.folder)}).stdout == "True\n"
        assert app.eval("shop.price.net(5)") == 10
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.every_python
def test_promise_1_exit_is_quick_and_clean(home: Home, start: Starter, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    for _ in range(10):
        app = start(options=("-X", "dev"))
        app.exec("import shop.price")
        begin = time.monotonic()
        assert app.close() == 0
        assert time.monotonic() - begin < BOUND
        assert app.said() == ""


@pytest.mark.every_python
def test_promise_2_all_or_nothing(home: Home, app: Application, package: Package) -> None:
    bad = package.diff("shop/stock.py", COUNT).replace("return len(name)", "return something_else")
    changed = home.add(package.write_patch("fix.diff", package.diff() + bad), code=3)
    assert changed.reason(app.pid) == "hunk-conflict"
    assert app.eval("(shop.price.net(5), shop.stock.count('a'))") == [5, 1]


@pytest.mark.every_python
def test_promise_2_a_step_that_raises_leaves_nothing(home: Home, app: Application, package: Package) -> None:
    text = with_header(
        'module = "shop.price"',
        "FRESH = 1\nRATE = 1 // 0\n\n\ndef net(amount):\n    return -1\n",
    )
    app.exec("before = dict(vars(shop.price)); code = shop.price.net.__code__")
    changed = home.add(package.write_patch("fix.py", text), code=None)
    assert changed.state(app.pid) == "failed"
    assert "ZeroDivisionError" in changed.outcome(app.pid)["refusal"]["detail"]
    assert app.eval("vars(shop.price) == before and shop.price.net.__code__ is code") is True
    assert app.eval("shop.price.net(5)") == 5


@pytest.mark.every_python
def test_promise_3_exact_undo(home: Home, app: Application, package: Package) -> None:
    app.exec(
        "def snapshot():\n"
        "    found = {}\n"
        "    for space in (vars(shop.price), vars(shop.price.Cart)):\n"
        "        for name, value in space.items():\n"
        "            names = ('__code__', '__defaults__', '__kwdefaults__', '__doc__', '__dict__')\n"
        "            parts = [id(getattr(value, part)) for part in names if hasattr(value, '__code__')]\n"
        "            found[space['__module__'] if '__module__' in space else '', name] = id(value), parts\n"
        "    return found\n"
        "before = snapshot()\n"
    )
    changes = (
        ("    return amount\n\n\n", "    return amount * 2\n\n\n"),
        ('    currency = "EUR"\n', '    currency = "CHF"\n'),
        ("def total(amount, tax=RATE):", "def total(amount, tax=RATE + 1, *, rebate=0):"),
        (
            "    def add(self, amount):",
            "    def clear(self):\n        self.items.clear()\n\n    def add(self, amount, times=1):",
        ),
    )
    home.add(package.write_patch("fix.diff", package.diff("shop/price.py", *changes)))
    assert app.eval("(shop.price.total(1, rebate=1), shop.price.Cart.currency)") == [23, "CHF"]
    home.remove("fix")
    app.exec("after = snapshot()")
    differing = "[key for key in {**before, **after} if before.get(key) != after.get(key)]"
    assert app.eval(differing) == []


@pytest.mark.every_python
def test_promise_4_audit_reads_the_live_functions(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    app.exec("patched = shop.price.net.__code__\nshop.price.net.__code__ = (lambda amount: 0).__code__")
    assert home.state(app.pid, "fix") == "drifted"
    app.exec("shop.price.net.__code__ = patched")
    assert home.state(app.pid, "fix") == "active"


@pytest.mark.every_python
def test_promise_5_a_mismatch_is_a_skip_with_a_reason(home: Home, app: Application, package: Package) -> None:
    path = package.write_patch("fix.diff", package.diff(), 'requires = ["sample-shop>=2"]')
    changed = home.add(path, code=None)
    assert (changed.state(app.pid), changed.reason(app.pid)) == ("skipped", "version-mismatch")
    assert app.eval("shop.price.net(5)") == 5


@pytest.mark.every_python
def test_promise_6_the_patched_code_is_the_code_of_an_edited_file(
    home: Home, start: Starter, package: Package
) -> None:
    """No wrapper and no indirection: the same instructions in a plain function."""
    look = (
        "(lambda net, code: (type(net).__name__, list(code.co_code), repr(code.co_consts),"
        " code.co_firstlineno, sorted(vars(net))))(shop.price.net, shop.price.net.__code__)"
    )
    home.add(package.write_patch("fix.diff", package.diff()))
    patched = start()
    patched.exec("import shop.price")
    seen = patched.eval(look)
    home.run("daemon", "stop")
    edited = package.folder / "shop" / "price.py"
    edited.write_text(package.changed("shop/price.py", ("    return amount\n", "    return amount * 2\n")))
    plain = start()
    plain.exec("import shop.price")
    assert plain.eval("shop.price.net(5)") == 10
    assert seen == plain.eval(look)


@pytest.mark.every_python
def test_promise_7_no_file_of_the_application_is_touched(
    home: Home, app: Application, start: Starter, package: Package
) -> None:
    before = digests(package.folder)
    home.add(package.write_patch("fix.diff", package.diff()))
    fresh = start()
    fresh.exec("import shop.price, shop.stock")
    assert (app.eval("shop.price.net(5)"), fresh.eval("shop.price.net(5)")) == (10, 10)
    home.remove("fix")
    assert digests(package.folder) == before


def digests(top: Path) -> dict[str, str]:
    """Digest and modification time of each file."""
    return {
        str(path): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }
