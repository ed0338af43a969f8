"""A kind of patch, as a text file: files as installed, files with the fix, checks.

A file begins with `key: value` lines (`case`, `about`, and where needed `targets`, `python`, `needs`,
`expect`, `cold`, `flags`), then has sections, each after a line `--- TITLE`:

    old FILE, new FILE   the file as installed, and with the fix
    base FILE            the file that the fix was written for, where that is not the old one
    func MODULE:QUALNAME the new source of one function, where there is no new file
    setup                statements for the application: imports, objects that live on
    before, after        assertions that hold without and with the fix
    undone               assertions after the removal, where those are not the ones before

`cold: no` says that `after` does not hold in a process that starts with the fix, `expect: refused` that
nothing may change, `flags` that the module has no source (`pyc_only`), lies in an archive (`zip`), or in
another encoding (`encoding=NAME`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

# The cases of this repository.
OWN = Path(__file__).resolve().parent / "cases"


@dataclass
class Case:
    """One kind of patch."""

    name: str
    about: str = ""
    targets: list[str] = field(default_factory=list)
    python: tuple[int, ...] = (3, 9)
    needs: list[str] = field(default_factory=list)
    refused: bool = False
    cold: bool = True
    flags: list[str] = field(default_factory=list)
    old: dict[str, str] = field(default_factory=dict)
    new: dict[str, str] = field(default_factory=dict)
    base: dict[str, str] = field(default_factory=dict)
    funcs: list[tuple[str, str]] = field(default_factory=list)
    checks: dict[str, str] = field(default_factory=dict)

    @property
    def encoding(self) -> str:
        """Encoding of its files."""
        named = [flag.partition("=")[2] for flag in self.flags if flag.startswith("encoding=")]
        return named[0] if named else "utf-8"

    def for_adapter(self, **changes: object) -> dict[str, object]:
        """The form that `tests/adapters/case` takes."""
        form: dict[str, object] = {
            "name": self.name,
            "targets": self.targets,
            "flags": self.flags,
            "old": self.old,
            "new": self.new,
            "base": self.base,
            "funcs": self.funcs,
        }
        return {**form, **changes}


def load(folder: Path, names: list[str]) -> list[Case]:
    """The cases of a folder, all or those named."""
    found = [parse(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.case"))]
    return [case for case in found if not names or case.name in names]


def parse(text: str) -> Case:
    """Read one case."""
    head, *sections = ("\n" + text).split("\n--- ")
    lines = [line.partition(":") for line in head.splitlines() if line.strip() and not line.startswith("#")]
    keys = {key.strip(): value.strip() for key, _, value in lines}
    case = Case(
        name=keys["case"],
        about=keys.get("about", ""),
        targets=_list(keys.get("targets", "")),
        python=tuple(map(int, keys.get("python", "3.9").split("."))),
        needs=_list(keys.get("needs", "")),
        refused=keys.get("expect") == "refused",
        cold=keys.get("cold") != "no",
        flags=_list(keys.get("flags", "")),
    )
    for section in sections:
        title, _, body = section.partition("\n")
        _add(case, title.strip(), f"{body}\n" if body else "")
    return case


def _add(case: Case, title: str, body: str) -> None:
    word, _, rest = title.partition(" ")
    if word in {"old", "new", "base"}:
        getattr(case, word)[rest.strip()] = body
    elif word == "func":
        case.funcs.append((rest.strip(), body))
    elif word in {"setup", "before", "after", "undone"}:
        case.checks[word] = body
    else:
        raise ValueError(f"case {case.name}: no section is named {title!r}")


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
