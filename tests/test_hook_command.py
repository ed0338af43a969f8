"""`patchctl hook install|status|uninstall`: into another environment and out of it, without pip."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.rig.application import Application
from tests.rig.environment import bare
from tests.rig.home import Home
from tests.rig.interpreters import Interpreter
from tests.rig.package import Package
from tests.test_package import tree


@pytest.mark.every_python
def test_install_use_uninstall(interpreter: Interpreter, home: Home, package: Package, folder: Path) -> None:
    other = bare(folder / "other", interpreter)
    before = tree(other.folder)
    home.run("hook", "install", "--python", other.python)
    status = home.run("hook", "status", "--python", other.python)
    assert "0.1.0" in status.out + status.err
    home.start()
    app = Application(other, {**home.variables, "PYTHONPATH": str(package.folder)})
    app.exec("import shop.price")
    home.wait_linked(app.pid)
    home.add(package.write_patch("fix.diff", package.diff()))
    assert app.eval("shop.price.net(5)") == 10
    app.close()
    home.run("hook", "uninstall", "--python", other.python)
    assert tree(other.folder) == before


def test_status_without_a_hook(interpreter: Interpreter, home: Home, folder: Path) -> None:
    other = bare(folder / "other", interpreter)
    before = tree(other.folder)
    result = home.run("hook", "status", "--python", other.python, code=None)
    assert "not installed" in result.out + result.err
    home.run("hook", "uninstall", "--python", other.python, code=None)
    assert tree(other.folder) == before


def test_hook_of_pip_is_left_to_pip(home: Home) -> None:
    result = home.run("hook", "uninstall", "--python", home.environment.python, code=None)
    assert result.code != 0
    assert "pip" in result.err
    assert (home.environment.site_packages / "patchctl.pth").exists()


def test_install_twice_is_the_same(interpreter: Interpreter, home: Home, folder: Path) -> None:
    other = bare(folder / "other", interpreter)
    before = tree(other.folder)
    home.run("hook", "install", "--python", other.python)
    once = tree(other.folder)
    home.run("hook", "install", "--python", other.python)
    assert tree(other.folder) == once
    home.run("hook", "uninstall", "--python", other.python)
    assert tree(other.folder) == before


def test_program_that_is_no_python(home: Home) -> None:
    result = home.run("hook", "install", "--python", "/bin/true", code=None)
    assert result.code not in {0, 101}
    assert result.err


@pytest.mark.every_python
def test_hook_without_its_files_says_nothing(interpreter: Interpreter, home: Home, folder: Path) -> None:
    other = bare(folder / "other", interpreter)
    home.run("hook", "install", "--python", other.python)
    home.start()
    for path in other.site_packages.glob("patchctl_hook/*.so"):
        path.unlink()
    done = subprocess.run(
        [str(other.python), "-c", "print(1)"], capture_output=True, text=True, env=home.variables, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
