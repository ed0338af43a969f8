"""The wheel: its five kinds of files, what the extension needs, versions, and a clean uninstall."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.rig import elf
from tests.rig.environment import bare, call, pip
from tests.rig.home import Home
from tests.rig.interpreters import Interpreter
from tests.rig.wheel import ROOT

PROGRAMS = ("patchctl", "patchd")


@pytest.fixture
def names(wheel_path: Path) -> list[str]:
    with zipfile.ZipFile(wheel_path) as archive:
        return archive.namelist()


def test_five_kinds_of_files(names: list[str]) -> None:
    assert [name for name in names if re.fullmatch(r"patchctl_hook/_native\.abi3\.so", name)]
    assert "patchctl_hook/__init__.py" in names
    assert "patchctl.pth" in names
    assert "patchctl.start" in names
    scripts = {name.rsplit("/", 1)[1] for name in names if ".data/scripts/" in name}
    assert scripts == set(PROGRAMS)


def test_nothing_else_is_inside(names: list[str]) -> None:
    allowed = re.compile(
        r"patchctl_hook/[\w.]+\.(py|pyi|so)|patchctl_hook/py\.typed|patchctl\.(pth|start)"
        r"|patchctl-[\w.]+\.dist-info/.+|patchctl-[\w.]+\.data/scripts/(patchctl|patchd)"
    )
    assert [name for name in names if not allowed.fullmatch(name)] == []


def test_one_wheel_serves_all_pythons(wheel_path: Path) -> None:
    assert "-cp39-abi3-linux_" in wheel_path.name or "-cp39-abi3-manylinux" in wheel_path.name


def test_extension_needs_no_libpython(wheel_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel_path) as archive:
        path = archive.extract("patchctl_hook/_native.abi3.so", folder)
    needed = elf.needed(Path(path).read_bytes())
    assert any(name.startswith("libc.so") for name in needed)
    assert [name for name in needed if "python" in name] == []


def test_versions_agree(home: Home, wheel_path: Path) -> None:
    (version,) = re.findall(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert wheel_path.name.split("-")[1] == version
    assert version in home.run("--version").out
    assert version in call([str(home.environment.program("patchd")), "--version"])


@pytest.mark.every_python
def test_uninstall_leaves_nothing(interpreter: Interpreter, wheel_path: Path, folder: Path) -> None:
    made = bare(folder / "venv", interpreter)
    before = tree(made.folder)
    made.install(str(wheel_path))
    call([str(made.python), "-c", "import patchctl_hook"])
    assert made.program("patchctl").exists()
    pip(made.python, "uninstall", "patchctl")
    assert tree(made.folder) == before


def tree(top: Path) -> list[str]:
    """All files below a folder, but compiled files and the lock that uv leaves."""
    passed_over = {"__pycache__", ".lock"}
    return sorted(
        str(path.relative_to(top)) for path in top.rglob("*") if not passed_over.intersection(path.parts)
    )


@pytest.mark.every_python
def test_face_imports_without_a_daemon(interpreter: Interpreter, home: Home) -> None:
    code = "import patchctl_hook, patchctl_hook._native; print(patchctl_hook.__name__)"
    said = subprocess.run(
        [str(home.environment.python), "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stderr) == (0, ""), interpreter
    assert said.stdout == "patchctl_hook\n"


def test_readme_lists_every_reason_code() -> None:
    source = (ROOT / "daemon" / "protocol" / "src" / "state.rs").read_text()
    codes = re.findall(r'Self::\w+ => "([a-z-]+)",', source)
    assert len(codes) > 15
    readme = (ROOT / "README.md").read_text()
    assert [code for code in codes if f"`{code}`" not in readme] == []
