"""A virtual environment of one interpreter with the wheel installed; kept while the wheel is the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.rig import wheel
from tests.rig.interpreters import Interpreter


@dataclass(frozen=True)
class Environment:
    """A virtual environment on disk."""

    folder: Path
    interpreter: Interpreter

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Where packages are installed."""
        threads = "t" if self.interpreter.free_threaded else ""
        return self.folder / "lib" / f"python{self.interpreter.name}{threads}" / "site-packages"

    def program(self, name: str) -> Path:
        """One of its programs."""
        return self.folder / "bin" / name

    def install(self, *requirements: str) -> None:
        """Install distributions, or wheels by path."""
        pip(self.python, "install", *requirements)


def plain_variables() -> dict[str, str]:
    """Variables of every program that tests start: this process's, without those that would steer it."""
    steering = ("PYTHON", "PATCHCTL", "VIRTUAL_ENV", "COV_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(steering)}
    return {**kept, **json.loads(os.environ.get("PATCHCTL_TEST_VARIABLES", "{}"))}


def call(command: list[str], variables: dict[str, str] | None = None) -> str:
    """Run a command that must succeed, and return its output."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=variables or plain_variables()
    )
    if done.returncode:
        message = f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        raise RuntimeError(message)
    return done.stdout


def pip(python: Path, *arguments: str) -> str:
    """Run uv's pip where uv is there, else pip itself."""
    uv = shutil.which("uv")
    if uv:
        return call([uv, "--quiet", "pip", *arguments, "--python", str(python)])
    return call([str(python), "-m", "pip", "--quiet", *arguments])


def bare(folder: Path, interpreter: Interpreter, *, with_pip: bool = False) -> Environment:
    """Make an environment with nothing in it."""
    uv = shutil.which("uv")
    if uv and not with_pip:
        call([uv, "--quiet", "venv", "--no-project", "--python", interpreter.path, str(folder)])
    else:
        call([interpreter.path, "-m", "venv", str(folder)])
    return Environment(folder, interpreter)


def with_wheel(interpreter: Interpreter, path: Path) -> Environment:
    """The environment of this interpreter that holds this wheel; made on first use."""
    parent = wheel.store() / "environments"
    parent.mkdir(exist_ok=True)
    name = "py{}-{}".format(".".join(map(str, interpreter.release)), wheel.digest(path))
    folder = parent / name
    with wheel.locked(parent / f"{name}.lock"):
        complete = folder / "complete"
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            bare(folder, interpreter).install(str(path))
            complete.touch()
    return Environment(folder, interpreter)
