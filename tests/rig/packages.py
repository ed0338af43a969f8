"""Environments with packages of the registry and the wheel; kept while both are the same."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tests.rig import registry, wheel
from tests.rig.environment import Environment, bare
from tests.rig.interpreters import Interpreter


def environment_with(interpreter: Interpreter, path: Path, *requirements: str) -> Environment:
    """The environment of this interpreter with this wheel and these packages; made on first use."""
    parent = wheel.store() / "environments"
    parent.mkdir(exist_ok=True)
    release = ".".join(map(str, interpreter.release))
    wanted = hashlib.sha256(" ".join(requirements).encode()).hexdigest()[:8]
    folder = parent / f"py{release}-{wanted}"
    with wheel.locked(parent / f"{folder.name}.lock"):
        made = Environment(folder, interpreter)
        complete = folder / "complete"
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            registry.install_built(bare(folder, interpreter), *requirements)
            complete.touch()
        if complete.read_text() != wheel.digest(path):
            made.install("--force-reinstall", "--no-deps", str(path))
            complete.write_text(wheel.digest(path))
    return made
