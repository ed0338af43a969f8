"""The tests here with one part of the wheel under a sanitizer: the hook in interpreters, or the daemon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.rig import wheel
from tests.rig.cargo import MissingError
from tests.rig.wheel import ROOT
from tests.sanitize.rust import TARGET, Sanitizer

HOOK_TESTS = ("add", "remove", "sequences", "edit_live", "fork", "import", "guards", "kinds")
DAEMON_TESTS = (
    *("daemon", "daemon_faults", "daemon_lies", "disk_faults", "process_faults"),
    *("sequences", "fork", "bad_files", "signatures"),
)
# Hold a process to a size, or a time, that it can't keep here.
MEASURED = (
    "tests/test_sequences.py::test_adding_and_removing_leaves_nothing_behind",
    "tests/test_bad_files.py::test_add_refuses_a_huge_file_without_reading_it",
    "tests/test_process_faults.py::test_readers_that_never_read",
)


def hook(sanitizer: Sanitizer, *arguments: str) -> int:
    """Run pytest with an instrumented hook; returns the exit status."""
    changed = replaced(sanitizer, "patchctl-hook", "lib_native.so", "_native.abi3.so")
    # Objects of Python come from `malloc`, so that the sanitizer sees each of them; the interpreter leaves
    # some behind at its end on purpose.
    settings = f"{sanitizer.variables[sanitizer.variable]}:detect_leaks=0"
    variables = {
        "LD_PRELOAD": str(runtime()),
        "PYTHONMALLOC": "malloc",
        sanitizer.variable: settings,
    }
    return run(sanitizer, changed, variables, arguments or paths(HOOK_TESTS))


def daemon(sanitizer: Sanitizer, *arguments: str) -> int:
    """Run pytest with an instrumented daemon; returns the exit status."""
    changed = replaced(sanitizer, "patchd", "patchd", "patchd")
    return run(sanitizer, changed, sanitizer.variables, arguments or paths(DAEMON_TESTS))


def paths(names: tuple[str, ...]) -> tuple[str, ...]:
    """Files of tests, without those that measure."""
    deselected = (word for test in MEASURED for word in ("--deselect", test))
    return (*(f"tests/test_{name}.py" for name in names), *deselected)


def run(sanitizer: Sanitizer, path: Path, variables: dict[str, str], arguments: tuple[str, ...]) -> int:
    """Run pytest with a wheel, and print what the sanitizer reports."""
    sanitizer.forget()
    own = {"PATCHCTL_WHEEL": str(path), "PATCHCTL_TEST_VARIABLES": json.dumps(variables)}
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", *arguments]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **own}, check=False)
    return sanitizer.verdict(done.returncode)


def replaced(sanitizer: Sanitizer, package: str, built: str, member: str) -> Path:
    """The wheel under test, with an instrumented member in the place of its own."""
    if sanitizer.cargo("build", "--package", package, variables={"PYO3_BUILD_EXTENSION_MODULE": "1"}):
        message = f"{package} does not build"
        raise RuntimeError(message)
    original = wheel.locate()
    path = sanitizer.folder / original.name
    with zipfile.ZipFile(original) as whole, zipfile.ZipFile(path, "w") as changed:
        for item in whole.infolist():
            if item.filename.endswith(f"/{member}"):
                changed.writestr(item, (sanitizer.folder / TARGET / "debug" / built).read_bytes())
            elif item.filename.endswith("/RECORD"):
                changed.writestr(item, "".join(f"{name},,\n" for name in whole.namelist()))
            else:
                changed.writestr(item, whole.read(item))
    return path


def runtime() -> Path:
    """The C compiler's shared library of the address sanitizer, which interpreters load first."""
    command = ["gcc", "-print-file-name=libasan.so"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    if not Path(found).is_absolute():
        message = "gcc has no libasan.so"
        raise MissingError(message)
    return Path(found).resolve()
