"""Builds the wheel, or takes the one that `PATCHCTL_WHEEL` names, and reads what is in it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def store() -> Path:
    """The folder that keeps wheels and environments between runs."""
    folder = Path(os.environ.get("PATCHCTL_TEST_STORE", ROOT / "build" / "tests"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file, so that parallel test processes do a piece of work once."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(folder: Path) -> Path:
    """Build the wheel from this checkout into `folder` with pip."""
    for stale in [*ROOT.glob("build/lib*"), *ROOT.glob("build/bdist*"), *folder.glob("*.whl")]:
        shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), "."]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"the wheel does not build:\n{done.stdout}\n{done.stderr}"
        raise RuntimeError(message)
    (found,) = folder.glob("*.whl")
    return found


def locate() -> Path:
    """The wheel to test."""
    named = os.environ.get("PATCHCTL_WHEEL")
    if named:
        return Path(named).resolve()
    folder = store() / "wheel"
    folder.mkdir(exist_ok=True)
    with locked(folder / "lock"):
        path = build(folder)
    os.environ["PATCHCTL_WHEEL"] = str(path)
    return path


def digest(path: Path) -> str:
    """A short name for the wheel's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
