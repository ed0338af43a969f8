"""Two releases of a package: their files, fetched from the registry, and the diff between them."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.rig import registry, wheel
from tests.rig.environment import Environment
from tests.rig.interpreters import Interpreter
from tests.rig.packages import environment_with

TABLE = Path(__file__).parent / "pairs.txt"
# Modules that do something when they are imported, or belong to tests and to other environments.
LEFT_OUT = re.compile(
    r"(^|\.)(__main__|tests?|testing|conftest|setup|_?vendor|pyinstaller.*|windows|gunicorn\.app\.pasterapp)(\.|$)"
)


@dataclass(frozen=True)
class Pair:
    """One line of the table: `package old new [needed requirement...]`."""

    package: str
    old: str
    new: str
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As it is printed."""
        return f"{self.package} {self.old} {self.new}"


def table() -> list[Pair]:
    """All pairs."""
    rows = [
        line.split()
        for line in TABLE.read_text(encoding="utf-8").splitlines()
        if line.strip() and line[0] != "#"
    ]
    return [Pair(row[0], row[1], row[2], tuple(row[3:])) for row in rows]


@dataclass(frozen=True)
class Release:
    """A release's files on disk, importable from `folder`."""

    folder: Path

    def roots(self) -> list[str]:
        """The top-level packages and modules."""
        own = [
            path
            for path in self.folder.iterdir()
            if not path.name.endswith((".dist-info", ".pth", ".data"))
            and path.name not in {"bin", "__pycache__", "share", "etc"}
        ]
        return sorted(path.name for path in own if path.suffix == ".py" or path.is_dir())

    def modules(self) -> list[str]:
        """Dotted names of the modules that can be imported without harm."""
        found = []
        for root in self.roots():
            path = self.folder / root
            for file in [path] if path.suffix == ".py" else path.rglob("*.py"):
                parts = list(file.relative_to(self.folder).with_suffix("").parts)
                if parts[-1] == "__init__":
                    parts.pop()
                name = ".".join(parts)
                if all(part.isidentifier() for part in parts) and not LEFT_OUT.search(name):
                    found.append(name)
        return sorted(found)


def fetch(pair: Pair, version: str, interpreter: Interpreter) -> Release:
    """The files of a release."""
    folder = wheel.store() / "releases" / f"{pair.package}-{version}-{interpreter.name}"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        folder.parent.mkdir(exist_ok=True)
        registry.install(interpreter, part, f"{pair.package}=={version}")
        for path in part.rglob("__pycache__"):
            shutil.rmtree(path)
        part.rename(folder)
    return Release(folder)


def with_metadata(release: Release, of: Release, folder: Path) -> Release:
    """A release's modules beside the metadata and data files of another one: a patch changes neither."""
    shutil.copytree(of.folder, folder)
    for path in [*folder.rglob("*.py"), *folder.rglob("*.so")]:
        path.unlink()
    for path in [*release.folder.rglob("*.py"), *release.folder.rglob("*.so")]:
        copy = folder / path.relative_to(release.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return Release(folder)


def environment(pair: Pair, interpreter: Interpreter, path: Path) -> Environment:
    """An environment with the wheel and what the package needs."""
    return environment_with(interpreter, path, f"{pair.package}=={pair.old}", *pair.needs)


def diff(old: Release, new: Release, target: Path) -> Path:
    """Write what leads from one release to the other, as git shows it."""
    parts = []
    for root in sorted({*old.roots(), *new.roots()}):
        names = [
            str(release.folder / root) if (release.folder / root).exists() else "/dev/null"
            for release in (old, new)
        ]
        command = ["git", "-c", "core.quotepath=off", "diff", "--no-index", "--no-color", *names]
        text = subprocess.run(command, capture_output=True, check=False).stdout
        for release in (old, new):
            prefix = str(release.folder).encode()
            text = text.replace(b"a" + prefix, b"a").replace(b"b" + prefix, b"b")
            text = re.sub(
                rb"(?m)^(rename (?:from|to) |copy (?:from|to) )" + re.escape(prefix.lstrip(b"/")) + b"/",
                rb"\1",
                text,
            )
        parts.append(text)
    target.write_bytes(b"".join(parts))
    return target
