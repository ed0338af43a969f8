"""`patchctl check`: what a patch would change, offline or for a process, and near misses."""

from __future__ import annotations

import pytest

from tests.rig.application import Application
from tests.rig.environment import Environment, bare
from tests.rig.home import Home, Result
from tests.rig.interpreters import Interpreter
from tests.rig.package import Package, with_header


@pytest.fixture
def other(interpreter: Interpreter, package: Package) -> Environment:
    """An environment without the hook that has the sample package installed."""
    made = bare(package.folder.parent / "other", interpreter)
    (made.site_packages / "sample.pth").write_text(f"{package.folder}\n")
    return made


def check(home: Home, other: Environment, path: object, code: int | None = 0) -> Result:
    return home.run("check", path, "--python", other.python, code=code)


def test_verdict_per_definition(home: Home, other: Environment, package: Package) -> None:
    changes = (
        (
            "    return amount\n\n\n",
            "    return amount * 2\n\n\ndef half(amount):\n    return amount / 2\n\n\n",
        ),
        ("def total(amount, tax=RATE):", "def total(amount, tax=RATE, rebate=0):"),
    )
    said = check(home, other, package.write_patch("fix.diff", package.diff("shop/price.py", *changes))).out
    for word in ("shop.price", "net", "half", "total", "signature"):
        assert word in said, said
    assert not home.socket.exists()


def test_guard_that_fails(home: Home, other: Environment, package: Package) -> None:
    path = package.write_patch("fix.diff", package.diff(), 'requires = ["sample-shop>=2"]')
    result = check(home, other, path, code=None)
    assert result.code != 0
    assert "version-mismatch" in result.out + result.err


def test_near_miss_of_a_function(home: Home, other: Environment, package: Package) -> None:
    text = with_header('module = "shop.price"', "class Cart:\n    def summ(self):\n        return 0\n")
    said = check(home, other, package.write_patch("fix.py", text), code=None)
    assert "sum" in said.out + said.err


def test_near_miss_of_a_file(home: Home, other: Environment, package: Package) -> None:
    text = package.diff().replace("shop/price.py", "shop/prise.py")
    result = check(home, other, package.write_patch("fix.diff", text), code=None)
    assert result.code != 0
    assert "price" in (result.out + result.err).replace("prise", "")


def test_hunk_that_does_not_fit(home: Home, other: Environment, package: Package) -> None:
    text = package.diff().replace("return amount", "return something_else")
    result = check(home, other, package.write_patch("fix.diff", text), code=None)
    assert result.code != 0
    assert "hunk-conflict" in result.out + result.err


def test_for_a_running_process(home: Home, app: Application, package: Package) -> None:
    path = package.write_patch("fix.diff", package.diff())
    said = home.run("check", path, "--pid", app.pid).out
    assert "net" in said
    assert app.eval("shop.price.net(5)") == 5
