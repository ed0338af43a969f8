"""The program that takes code objects over its input (`examples/stream` of the crate), and what feeds it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.rig.cargo import cargo
from tests.rig.environment import plain_variables
from tests.rig.interpreters import Interpreter
from tests.rig.wheel import ROOT

FEED = ROOT / "tests" / "targets" / "feed.py"


def program(*, release: bool = False) -> Path:
    """Build the program with cargo; skips the test where there is no cargo."""
    command = ["build", "--quiet", "--package", "patchctl-codeobject", "--example", "stream"]
    said = cargo(*command, "--message-format", "json", *(["--release"] if release else []))
    built = [json.loads(line).get("executable") for line in said.splitlines() if line.startswith("{")]
    return Path(next(path for path in reversed(built) if path))


def over(stream: Path, action: str, interpreter: Interpreter, folder: Path, *, stride: int = 1) -> Any:
    """Let the interpreter compile the files of a folder, and the program work on them."""
    feed = subprocess.Popen(
        [interpreter.path, "-B", str(FEED), str(folder), str(stride)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**plain_variables(), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    done = subprocess.run(
        [str(stream), action, interpreter.name],
        stdin=feed.stdout,
        capture_output=True,
        text=True,
        check=False,
    )
    _, errors = feed.communicate()
    if feed.returncode or done.returncode:
        message = f"{action} failed:\n{errors.decode()}\n{done.stderr}"
        raise RuntimeError(message)
    return json.loads(done.stdout)
