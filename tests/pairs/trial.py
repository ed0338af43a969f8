"""One pair on one interpreter: patched live and at import, what processes hold, what the report explains."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from tests.pairs.releases import Pair, Release, diff, environment, fetch, with_metadata
from tests.rig.application import Application
from tests.rig.environment import Environment
from tests.rig.home import Home
from tests.rig.interpreters import Interpreter

Entries = dict[str, str]
PATCH = "pair"
LINES = "#lines"
TARGETS = Path(__file__).resolve().parents[1] / "targets"
RUNS = {"active", "draining"}


@dataclass
class Result:
    """What became of a pair: places by what is wrong with them."""

    pair: Pair
    functions: int = 0
    changed: int = 0
    states: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    not_undone: list[str] = field(default_factory=list)


class Trial:
    """The releases, and the processes that have them."""

    def __init__(self, pair: Pair, interpreter: Interpreter, wheel: Path, folder: Path) -> None:
        """Fetch the releases."""
        self.pair, self.folder = pair, folder
        self.environment: Environment = environment(pair, interpreter, wheel)
        self.old = fetch(pair, pair.old, interpreter)
        self.new = fetch(pair, pair.new, interpreter)
        self.wanted = with_metadata(self.new, self.old, folder / "wanted")
        self.roots = ",".join(sorted({Path(root).stem for root in (*self.old.roots(), *self.new.roots())}))

    @contextmanager
    def process(self, release: Release, variables: dict[str, str]) -> Iterator[Application]:
        """A process that finds a release before everything else."""
        own = {**variables, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        app = Application(self.environment, own, errors=self.folder / "errors")
        try:
            paths = [str(release.folder), str(TARGETS)]
            app.exec(f"import sys; sys.path[:0] = {paths!r}; import snapshot")
            yield app
        finally:
            app.close()

    def take(self, app: Application, release: Release, modules: list[str]) -> Entries:
        """What the process holds of the package."""
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            write = f"json.dump(snapshot.take({self.roots!r}, {modules!r}), open({file.name!r}, 'w'))"
            app.exec(f"import json; {write}", seconds=300)
            text = Path(file.name).read_text(encoding="utf-8").replace(str(release.folder), "FOLDER")
        entries: Entries = json.loads(text)
        return entries

    def fresh(self, release: Release) -> tuple[list[str], Entries, set[str]]:
        """What a process without us holds: the modules that can be imported, all places, those that vary.

        From time to time, and from folder to folder.
        """
        taken = []
        modules = release.modules()
        elsewhere = with_metadata(release, self.old, Path(tempfile.mkdtemp(dir=self.folder)) / "copy")
        for place in (elsewhere, release):
            with self.process(place, {"PATCHCTL_DISABLE": "1"}) as app:
                failed = set(app.eval(f"snapshot.load({modules!r})", seconds=120))
                # What was imported before its package failed is there the second time.
                modules = [name for name in modules if not failed.intersection(packages(name))]
                taken.append(self.take(app, place, modules))
        return modules, taken[1], differing(*taken)

    def run(self) -> Result:
        """Patch a running process and one that starts, and take the patch out of both."""
        home = Home(self.environment)
        try:
            home.start()
            return self.run_at(home)
        finally:
            home.close()

    def run_at(self, home: Home) -> Result:
        """The same with a daemon that runs."""
        old_modules, old, varying = self.fresh(self.old)
        new_modules, new, more = self.fresh(self.wanted)
        varying |= more
        result = Result(self.pair, functions=sum(place.endswith(LINES) for place in old))
        result.changed = len(plain(differing(old, new)) - varying)
        file = diff(self.old, self.new, self.folder / "pair.diff")
        with self.process(self.old, home.variables) as live:
            before = self.take(live, self.old, old_modules)
            home.wait_linked(live.pid)
            added = home.run("add", file, "--id", PATCH, "--wait", 60, code=None, seconds=120)
            unread = passed_over(home, file)
            with self.process(self.old, home.variables) as started:
                self.take(started, self.old, new_modules)
                home.wait_linked(started.pid)
                for way, app in (("live", live), ("import", started)):
                    report = self.report(home, app.pid)
                    result.states[way] = report.get("state", "none")
                    refusal = (report.get("refusal") or {}).get("detail", "")
                    result.refusals[way] = refusal if report else added.err.strip()
                    runs = result.states[way] in RUNS
                    now = self.take(app, self.old, new_modules if runs else old_modules)
                    wanted = new if runs else old
                    told = explained(report).union(unread)
                    if not runs:
                        now = {at: what for at, what in now.items() if not is_imported(at, now, before)}
                    judge(result, way, (now, before, wanted), varying, told)
            home.run("remove", PATCH, "--wait", 60, code=None, seconds=120)
            undone = self.take(live, self.old, old_modules)
        known = {place for place in undone if place.split(":")[0] in before}
        left = (differing(undone, before) - varying) & known
        result.not_undone = sorted(place for place in left if not is_imported(place, undone, before))
        return result

    def report(self, home: Home, pid: int) -> dict[str, Any]:
        """What is said of the patch in a process."""
        rows = home.json("audit", code=None)["processes"]
        reports = [one for row in rows if row["process"]["pid"] == pid for one in row["patches"]]
        found: dict[str, Any] = reports[0] if reports else {}
        return found


def packages(module: str) -> set[str]:
    """A module's name, and those of the packages around it."""
    parts = module.split(".")
    return {".".join(parts[:end]) for end in range(1, len(parts) + 1)}


def differing(one: Entries, other: Entries) -> set[str]:
    """Places at which two processes hold different things."""
    return {place for place in one.keys() | other.keys() if one.get(place) != other.get(place)}


def plain(places: set[str]) -> set[str]:
    """Without the line numbers, which unpatched functions keep."""
    return {place for place in places if not place.endswith(LINES)}


def is_imported(place: str, now: Entries, before: Entries) -> bool:
    """Whether it is of a module that was imported meanwhile, or that as a package has it: it stays so."""
    as_attribute = place not in before and now[place] == f"module {place.replace(':', '.')}"
    return as_attribute or place.split(":", maxsplit=1)[0] not in before


def passed_over(home: Home, file: Path) -> list[str]:
    """What `check` names as passed over: removed modules stay loaded, tests and extensions as they are."""
    paths = [
        path.removesuffix(" (deleted)") for path in home.json("check", file, code=None).get("passed_over", [])
    ]
    sources = [path for path in map(PurePosixPath, paths) if path.suffix in {".py", ".pyx"}]
    modules = [".".join(path.with_suffix("").parts) for path in sources]
    names = [module.removesuffix(".__init__") for module in modules]
    return [place for name in names for place in (name, f"{name}:*", ":".join(name.rsplit(".", 1)))]


def explained(report: dict[str, Any]) -> set[str]:
    """Places, or modules with `:*`, that the report says are stale."""
    found = set()
    for module in report.get("modules", []):
        for stale in module["stale"]:
            name = stale["name"]
            found.add(f"{module['name']}:{name}")
            if stale["because"] == "its annotation":
                scope = name.rpartition(".")[0]
                places = ("__annotations__", "__new__", "__annotate_func__")
                found |= {f"{module['name']}:{scope}{'.' if scope else ''}{place}" for place in places}
            parts = Path(stale["file"] or "").with_suffix("").parts
            parts = parts[:-1] if parts[-1:] == ("__init__",) else parts
            found |= {f"{'.'.join(parts[start:])}:{name}" for start in range(1, len(parts))}
            if stale["because"].startswith("what its metaclass"):
                found.add(f"{module['name']}:{name.rpartition('.')[0]}")
            if not name.replace(".", "").isidentifier():
                # A statement: what it did not do to a value made anew, that lacks.
                found |= {f"{module['name']}:*", f"{module['name']}:{stale['because']}"}
    return found


def judge(
    result: Result, way: str, entries: tuple[Entries, Entries, Entries], varying: set[str], told: set[str]
) -> None:
    """Sort the places that are not as in the newer release: told by the report, or silent."""
    now, before, wanted = entries
    for place in sorted(plain(differing(now, wanted)) - varying):
        module = place.split(":")[0]
        whole = f"{module}:*" in told and now.get(place) == before.get(place)
        own = any(place == one or place.startswith(f"{one}.") for one in told)
        # Tables in which a metaclass keeps what the body of its class has: with what stays of that.
        scope = place.rpartition(".")[0]
        computed = " of class builtins:type " not in before.get(scope, " of class builtins:type ")
        kept = now.get(place) == before.get(place) and any(one.startswith(f"{scope}.") for one in told)
        own |= computed and kept
        (result.told if whole or own else result.silent).append(f"{way} {place}")
