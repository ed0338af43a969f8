"""A bare interpreter with the hook: same output, and no more modules, threads and descriptors than told."""

from __future__ import annotations

import ast
import subprocess
from typing import Any

import pytest

from tests.rig.application import Application
from tests.rig.environment import Environment, bare, plain_variables
from tests.rig.home import Home
from tests.rig.interpreters import Interpreter
from tests.rig.package import Package

LOOK = (
    "import sys; before = sorted(sys.modules); import os;"
    "print(repr({'modules': before, 'meta_path': len(sys.meta_path),"
    " 'threads': len(os.listdir('/proc/self/task')),"
    " 'descriptors': sorted(map(os.readlink, filter(os.path.lexists,"
    " ['/proc/self/fd/' + name for name in os.listdir('/proc/self/fd')]))),"
    " 'hooks': len(sys.path_hooks), 'environment': dict(os.environ),"
    # What is imported only now may be what loads the hook.
    " 'warnings': [sys.warnoptions, len(__import__('warnings').filters)],"
    " 'python_threads': [one.name for one in __import__('threading').enumerate()]}))"
)
DOCUMENTED_MODULES = {"atexit", "patchctl_hook", "patchctl_hook._native"}


def look(environment: Environment, variables: dict[str, str]) -> dict[str, Any]:
    """State of a fresh interpreter."""
    done = subprocess.run(
        [str(environment.python), "-c", LOOK],
        capture_output=True,
        text=True,
        env={**plain_variables(), **variables},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = ast.literal_eval(done.stdout)
    found["environment"] = {
        name: value for name, value in found["environment"].items() if name not in variables
    }
    return found


SAME = ("environment", "python_threads", "warnings", "hooks")
"""What nothing of ours changes."""


def same(found: dict[str, Any]) -> dict[str, Any]:
    """That part of it."""
    return {name: found[name] for name in SAME}


@pytest.fixture
def plain(interpreter: Interpreter, package: Package) -> Environment:
    """An environment without the hook, whose start-up files do nothing: reading them loads modules, too."""
    made = bare(package.folder.parent / "plain", interpreter)
    (made.site_packages / "trivial.py").write_text("def start():\n    pass\n")
    (made.site_packages / "trivial.pth").write_text("import trivial\n")
    (made.site_packages / "trivial.start").write_text("trivial:start\n")
    return made


@pytest.mark.every_python
@pytest.mark.parametrize("options", [(), ("-I",), ("-E",), ("-s",), ("-S",), ("-W", "error"), ("-X", "dev")])
@pytest.mark.parametrize("with_daemon", [True, False])
def test_output_is_unchanged(home: Home, options: tuple[str, ...], *, with_daemon: bool) -> None:
    if with_daemon:
        home.start()
    for code in ("pass", "print(1)", "import sys; sys.exit(3)", "1/0"):
        command = [str(home.environment.python), *options, "-c", code]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**plain_variables(), **home.variables}, check=False
        )
        wanted = {"pass": 0, "print(1)": 0, "1/0": 1}.get(code, 3)
        assert done.returncode == wanted
        assert done.stdout == ("1\n" if "print" in code else "")
        if code == "1/0":
            assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
            assert "patchctl" not in done.stderr
        else:
            assert done.stderr == ""


@pytest.mark.every_python
def test_nothing_is_added_without_a_daemon(home: Home, plain: Environment) -> None:
    expected, found = look(plain, {}), look(home.environment, home.variables)
    assert set(found["modules"]) - set(expected["modules"]) <= {"patchctl_hook"}
    assert same(found) == same(expected)
    assert found["threads"] == expected["threads"]
    assert len(found["descriptors"]) == len(expected["descriptors"])


@pytest.mark.every_python
def test_with_a_daemon_only_what_is_told(home: Home, plain: Environment, package: Package) -> None:
    home.start()
    home.add(package.write_patch("fix.diff", package.diff()), code=None)
    expected, found = look(plain, {}), look(home.environment, home.variables)
    assert set(found["modules"]) - set(expected["modules"]) == DOCUMENTED_MODULES
    assert set(expected["modules"]) - set(found["modules"]) == {"trivial"}
    assert found["threads"] == expected["threads"] + 1
    assert found["meta_path"] == expected["meta_path"] + 1
    assert same(found) == same(expected)
    extra = len(found["descriptors"]) - len(expected["descriptors"])
    assert 1 <= extra <= 3, found["descriptors"]


@pytest.mark.every_python
def test_no_finder_stands_where_no_module_has_patches(home: Home, plain: Environment) -> None:
    home.start()
    expected, found = look(plain, {}), look(home.environment, home.variables)
    assert "patchctl_hook._native" in found["modules"]
    assert found["meta_path"] == expected["meta_path"]


@pytest.mark.every_python
def test_a_patch_loads_no_other_modules(home: Home, app: Application, package: Package) -> None:
    loaded = "__import__('sys').modules.keys()"
    for name in ("operator", "types", "collections.abc", "opcode", "inspect"):
        app.exec(f"import sys; sys.modules.pop({name!r}, None)")
    before = app.eval(f"list({loaded})")
    home.add(package.write_patch("fix.diff", package.diff()))
    assert set(app.eval(f"list({loaded})")) - set(before) <= {"gc"}
