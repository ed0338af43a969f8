"""Off-switches: the variable, the file, and what is told about a process that opted out."""

from __future__ import annotations

import pytest

from tests.conftest import Starter
from tests.rig.application import Application
from tests.rig.environment import call, plain_variables
from tests.rig.home import Home
from tests.rig.package import Package
from tests.rig.waiting import until_equal

LOADED = "'patchctl_hook._native' in __import__('sys').modules"


@pytest.mark.every_python
def test_variable_keeps_the_hook_out(home: Home, start: Starter, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    app = start(variables={"PATCHCTL_DISABLE": "1"})
    app.exec("import shop.price")
    assert app.eval(f"(shop.price.net(5), {LOADED})") == [5, False]
    assert home.linked() == []


@pytest.mark.every_python
def test_file_at_start(home: Home, start: Starter, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    (home.folder / "off").touch()
    app = start()
    app.exec("import shop.price")
    assert app.eval("shop.price.net(5)") == 5


def test_file_while_running(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    (home.folder / "off").touch()
    until_equal(lambda: app.eval("shop.price.net(5)"), 5)
    (home.folder / "off").unlink()
    until_equal(lambda: app.eval("shop.price.net(5)"), 10)


def test_status_tells_that_patches_are_off(home: Home) -> None:
    home.start()
    home.run("off")
    status = home.status()
    assert status is not None
    assert status["off"] is True


@pytest.mark.every_python
def test_no_daemon_loads_no_extension_at_start(home: Home) -> None:
    variables = {**plain_variables(), **home.variables}
    assert call([str(home.environment.python), "-c", f"print({LOADED})"], variables) == "False\n"
