"""Scripts whose patches were there before they start: they are in before the first line runs."""

from __future__ import annotations

import subprocess
import zipapp
from pathlib import Path

import pytest

from tests.rig.environment import Environment, plain_variables
from tests.rig.home import Home
from tests.rig.package import Package, git_diff

SCRIPT = """\
import ctypes
import sys

LIMIT = 5


def net(amount):
    return amount


class Cart:
    def sum(self):
        return "old"


print(net(1), Cart().sum(), LIMIT)
frame = sys._getframe()
print(__name__, __spec__ is None, __file__[-6:], __loader__.name, frame.f_back is None, frame.f_code.co_name)
api = ctypes.pythonapi
api.PyInterpreterState_Get.restype = api._PyInterpreterState_GetEvalFrameFunc.restype = ctypes.c_void_p
evaluates = api._PyInterpreterState_GetEvalFrameFunc(ctypes.c_void_p(api.PyInterpreterState_Get()))
print(evaluates == ctypes.cast(api._PyEval_EvalFrameDefault, ctypes.c_void_p).value)
for line in sys.stdin:
    print(net(1), LIMIT, flush=True)
sys.exit(3)
"""
BODIES = SCRIPT.replace("return amount", "return amount * 2").replace('"old"', '"new"')
WHOLE = (
    BODIES.replace("LIMIT = 5", "LIMIT = 7")
    .replace("class Cart:", "def tax(amount):\n    return amount + 90\n\n\nclass Cart:")
    .replace("return amount * 2", "return tax(amount)")
)
LOOKS = "__main__ True app.py __main__ True <module>\nTrue\n"
PLAIN = ("1 old 5\n" + LOOKS, "", 3)
CHANGED = ("2 new 5\n" + LOOKS, "", 3)
# What runs as `__main__` in other ways is as without a patch, or patched as far as it was.
OTHERS = {
    "folder": ["folder/app"],
    "archive": ["archive/app.pyz"],
    "profiled": ["-m", "cProfile", "-o", "profile", "app.py"],
    "traced": ["-m", "trace", "--count", "--coverdir=counts", "app.py"],
    "command": ["-c", "print(1)"],
    "missing": ["absent/app.py"],
}
# Tells each event of the script's own body.
TOOL = """\
import sys

told = []


def tell(frame, event, argument):
    if frame.f_code.co_name == "<module>" and frame.f_code.co_filename.endswith("app.py"):
        told.append("%s %d" % (event, frame.f_lineno))
        if event == "return":
            sys.stderr.write(" ".join(told) + "\\n")
    return tell


if "profile" in sys.argv:
    sys.setprofile(tell)
if "trace" in sys.argv:
    sys.settrace(tell)
"""
Done = tuple[str, str, int]


def run(environment: Environment, home: Home, folder: Path, *arguments: str, **variables: str) -> Done:
    done = subprocess.run(
        [str(environment.python), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**plain_variables(), **home.variables, **variables},
    )
    return done.stdout, done.stderr, done.returncode


@pytest.fixture
def patched(home: Home, package: Package, folder: Path) -> Path:
    """A folder with the script, of which a patch changes functions."""
    home.start()
    home.add(package.write_patch("fix.diff", git_diff("app.py", SCRIPT, BODIES)))
    (folder / "app.py").write_text(SCRIPT)
    return folder


@pytest.mark.every_python
def test_functions_are_patched_before_the_first_line(
    home: Home, environment: Environment, patched: Path
) -> None:
    assert run(environment, home, patched, "app.py") == CHANGED
    assert run(environment, home, patched, "-X", "dev", "-O", "-u", "app.py") == CHANGED
    assert run(environment, home, patched, "app.py", PATCHCTL_DISABLE="1") == PLAIN


class Running:
    """The script in a process that prints two values for each line that it is given."""

    def __init__(self, environment: Environment, home: Home, folder: Path) -> None:
        """Start it, and read what it prints before it waits."""
        self.process = subprocess.Popen(
            [str(environment.python), "-u", "app.py"],
            cwd=folder,
            env={**plain_variables(), **home.variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.first = "".join(self.process.stdout.readline() for _ in range(3))
        home.wait_linked(self.process.pid)

    def ask(self) -> str:
        """What it prints now."""
        assert self.process.stdin
        assert self.process.stdout
        print(file=self.process.stdin, flush=True)
        return self.process.stdout.readline()

    def end(self) -> int:
        """Let it end."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(30)


@pytest.mark.every_python
@pytest.mark.parametrize("target", [BODIES, WHOLE], ids=["bodies", "whole"])
def test_patches_leave_the_running_script(
    home: Home, environment: Environment, package: Package, folder: Path, target: str
) -> None:
    home.start()
    home.add(package.write_patch("fix.diff", git_diff("app.py", SCRIPT, target)))
    (folder / "app.py").write_text(SCRIPT)
    app = Running(environment, home, folder)
    patched, values = ("2 new 5\n", "2 5\n") if target is BODIES else ("91 new 7\n", "91 7\n")
    assert app.first == patched + LOOKS
    home.wait_state(app.process.pid, "fix", "active")
    assert app.ask() == values
    home.remove("fix")
    home.wait_state(app.process.pid, "fix", None)
    assert app.ask() == "1 5\n"
    home.add(package.write_patch("fix.diff", git_diff("app.py", SCRIPT, target)))
    home.wait_state(app.process.pid, "fix", "active")
    assert app.ask() == values
    assert app.end() == 3


@pytest.mark.every_python
def test_what_runs_otherwise_is_not_harmed(home: Home, environment: Environment, patched: Path) -> None:
    for name in ("folder", "archive"):
        (patched / name / "app").mkdir(parents=True)
        (patched / name / "app" / "__main__.py").write_text(SCRIPT)
    zipapp.create_archive(patched / "archive" / "app", patched / "archive" / "app.pyz")
    for name, arguments in OTHERS.items():
        without = run(environment, home, patched, *arguments, PATCHCTL_DISABLE="1")
        beside = run(environment, home, patched, *arguments)
        # What these tools run is patched as its body runs.
        assert [text.replace("2 new", "1 old") for text in beside[:2]] == list(without[:2]), name
        assert beside[2] == without[2], name


@pytest.mark.every_python
@pytest.mark.parametrize("tool", ["profile", "trace"])
def test_a_tool_sees_the_same_events(home: Home, environment: Environment, patched: Path, tool: str) -> None:
    (patched / "sitecustomize.py").write_text(TOOL)
    folder = {"PYTHONPATH": str(patched)}
    without = run(environment, home, patched, "app.py", tool, PATCHCTL_DISABLE="1", **folder)
    beside = run(environment, home, patched, "app.py", tool, **folder)
    assert beside == (CHANGED[0], without[1], 3)
    assert beside[1].startswith("call")


@pytest.mark.every_python
def test_what_the_script_raises_is_told_as_without_patches(
    home: Home, environment: Environment, package: Package, folder: Path
) -> None:
    text = SCRIPT.replace("sys.exit(3)", "raise KeyError(net(1))")
    home.start()
    home.add(package.write_patch("fix.diff", git_diff("app.py", text, text.replace('"old"', '"new"'))))
    (folder / "app.py").write_text(text)
    without = run(environment, home, folder, "app.py", PATCHCTL_DISABLE="1")
    beside = run(environment, home, folder, "app.py")
    assert beside == (without[0].replace("old", "new"), without[1], 1)
    assert "KeyError: 1" in beside[1]
