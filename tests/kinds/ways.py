"""The ways in which a patch meets a process, and what became of a case in one of them.

A verdict is `pass`, or what went wrong: `silent` (the report says applied, the behaviour is another),
`refused`, `damaged` (said refused, and changed the application), `undo`, `broken` (before any patch).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

from tests.kinds.case import Case
from tests.rig.application import Application, RemoteError
from tests.rig.environment import Environment, call
from tests.rig.home import Home
from tests.rig.waiting import until
from tests.rig.wheel import ROOT

GOOD = {"active", "draining", "waiting"}
WAYS = ("before", "live", "edited")
EVENTUALLY = """
import os, sys, time
def eventually(check, timeout=6.0):
    end = time.monotonic() + timeout
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
WORKDIR = {folder!r}
os.chdir(WORKDIR)
sys.path[0] = WORKDIR
if {zip!r}:
    sys.path.insert(0, os.path.join(WORKDIR, 'bundle.zip'))
"""


@dataclass(frozen=True)
class Verdict:
    """What became of a case in one way."""

    status: str
    detail: str = ""


def _adapter() -> Any:
    path = ROOT / "tests" / "adapters" / "case"
    spec = importlib.util.spec_from_loader("case_adapter", SourceFileLoader("case_adapter", str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ADAPTER = _adapter()


class Trial:
    """One case in one way: its folder, its process, its patches."""

    def __init__(self, home: Home, environment: Environment, case: Case, folder: Path) -> None:
        """Lay out the files."""
        self.home, self.environment, self.case, self.folder = home, environment, case, folder
        self.site = folder / "site"
        for name, text in case.old.items():
            path = self.site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding=case.encoding)
            os.utime(path, (1_000_000_000, 1_000_000_000))
        self.site.mkdir(exist_ok=True)
        self._seal()

    def _seal(self) -> None:
        if "pyc_only" in self.case.flags:
            for name in self.case.old:
                path = str(self.site / name)
                code = f"import py_compile; py_compile.compile({path!r}, cfile={path + 'c'!r}, doraise=True)"
                call([str(self.environment.python), "-c", code])
                Path(path).unlink()
        if "zip" in self.case.flags:
            with zipfile.ZipFile(self.site / "bundle.zip", "w") as archive:
                for name in self.case.old:
                    archive.write(self.site / name, name)
                    (self.site / name).unlink()

    def patches(self, case: Case) -> list[Path]:
        """The patch files of a case."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return [Path(path) for path in ADAPTER.write(case.for_adapter(), folder)]

    @contextlib.contextmanager
    def application(self) -> Iterator[Application]:
        """A process that has done the case's set-up."""
        app = Application(self.environment, self.home.variables, errors=self.folder / "errors")
        try:
            app.exec(EVENTUALLY.format(folder=str(self.site), zip="zip" in self.case.flags))
            app.exec(self.case.checks.get("setup", ""))
            yield app
        finally:
            app.close()

    def holds(self, app: Application, check: str) -> str | None:
        """What fails of a check, `None` if it holds."""
        text = self.case.checks.get(check) or self.case.checks.get("before", "")
        try:
            app.exec(text)
        except RemoteError as error:
            line = text.splitlines()[error.line - 1].strip() if error.line else ""
            return f"{error} @ {line}"
        return None

    def add(self, app: Application | None, files: list[Path]) -> str | None:
        """Add patches; why they are not in the process, `None` if they are."""
        if app is not None:
            self.home.wait_linked(app.process.pid)
        result = self.home.run("--json", "add", "--overwrite", *files, "--wait", 20, code=None)
        if app is None:
            return result.explain() if result.code else None
        if not result.out.strip():
            return result.explain()
        outcomes = result.json.get("processes", [])
        mine = [one for one in outcomes if one["process"]["pid"] == app.process.pid]
        if mine and all(one["state"] in GOOD for one in mine):
            return None
        return str([one["refusal"] for one in mine] or result.err)

    def remove(self) -> None:
        """Remove all patches."""
        ids = [patch["id"] for patch in self.home.json("list")["patches"]]
        if ids:
            self.home.run("remove", *ids, "--wait", 20, code=None)

    def judge(self, app: Application, refusal: str | None) -> Verdict:
        """Compare what was said with what is; then take the patch out again."""
        if refusal is not None or (self.case.refused and not self.case.checks.get("after")):
            problem = self.holds(app, "before")
            if problem:
                return Verdict("damaged" if refusal else "silent", f"{refusal}; then {problem}")
            if self.case.refused:
                return Verdict("pass" if refusal else "silent", refusal or "applied, and no refusal")
            return Verdict("refused", refusal or "")
        problem = self.holds(app, "after")
        if problem:
            return Verdict("silent", problem)
        self.remove()
        problem = self.holds(app, "undone")
        return Verdict("undo", problem) if problem else Verdict("pass")


def fits(case: Case, way: str, environment: Environment) -> bool:
    """Whether the case can be tried in this way on this interpreter."""
    release = environment.interpreter.release
    installed = all((environment.site_packages / name).exists() for name in case.needs)
    return installed and release >= case.python and (case.cold or way != "before")


def run(home: Home, environment: Environment, case: Case, way: str) -> Verdict:
    """Try one case in one way."""
    folder = Path(tempfile.mkdtemp(prefix="pk-", dir="/tmp"))
    trial = Trial(home, environment, case, folder)
    try:
        return {"before": _before, "live": _live, "edited": _edited}[way](trial)
    except (RemoteError, AssertionError) as error:
        return Verdict("broken", str(error))
    finally:
        trial.remove()
        shutil.rmtree(folder, ignore_errors=True)


def _before(trial: Trial) -> Verdict:
    """The patch is there before the process starts."""
    refusal = trial.add(None, trial.patches(trial.case))
    with trial.application() as app:
        return trial.judge(app, refusal or _settled(trial, app))


def _live(trial: Trial) -> Verdict:
    """The patch is added while the process runs."""
    with trial.application() as app:
        problem = trial.holds(app, "before")
        if problem:
            return Verdict("broken", problem)
        return trial.judge(app, trial.add(app, trial.patches(trial.case)))


def _edited(trial: Trial) -> Verdict:
    """Another patch of the same name is applied first; then its file is replaced by this one."""
    with trial.application() as app:
        problem = trial.holds(app, "before")
        if problem:
            return Verdict("broken", problem)
        trial.add(app, _others(trial))
        before = _registered(trial)
        files = trial.patches(trial.case)
        if set(before) != {path.stem for path in files}:
            return trial.judge(app, trial.add(app, files))
        for path in files:
            partial = trial.home.patches / f".{path.name}.part"
            shutil.copy(path, partial)
            partial.replace(trial.home.patches / path.name)
        until(
            lambda: _registered(trial),
            lambda seen: all(seen[name] != before[name] for name in before),
            what="the edited patches",
        )
        return trial.judge(app, _settled(trial, app))


def _others(trial: Trial) -> list[Path]:
    """Patches of the same names with something more: a statement in each new file, or a comment."""
    mark = "\n\nanother_patch = 1\n"
    new = {name: text + mark for name, text in trial.case.new.items()}
    files = trial.patches(replace(trial.case, new=new))
    for path in files:
        if path.suffix == ".py":
            path.write_text(f"{path.read_text(encoding='utf-8')}\n# another\n", encoding="utf-8")
    return files


def _registered(trial: Trial) -> dict[str, str]:
    """Digest of each patch, or what is wrong with its file."""
    return {one["id"]: one["broken"] or one["digest"] for one in trial.home.json("list")["patches"]}


def _settled(trial: Trial, app: Application) -> str | None:
    """Wait until the process has all patches as registered; why one of them is not in it, else `None`."""

    def reports() -> list[dict[str, Any]]:
        processes = trial.home.json("audit", code=None)["processes"]
        return [
            one for row in processes if row["process"]["pid"] == app.process.pid for one in row["patches"]
        ]

    wanted = _registered(trial)
    found = until(
        reports,
        lambda seen: {one["patch"]["id"]: one["patch"]["digest"] for one in seen} == wanted,
        what=f"reports of {wanted}",
    )
    bad = [one for one in found if one["state"] not in GOOD]
    return str(bad) if bad else None
