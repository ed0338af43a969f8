"""`--json`: every command prints exactly one JSON document, and nothing else on standard output."""

from __future__ import annotations

import pytest

from tests.rig.application import Application
from tests.rig.commands import COMMANDS
from tests.rig.environment import bare
from tests.rig.home import Home
from tests.rig.package import Package

ANSWERED = (
    "list",
    "show fix",
    "audit",
    "ps",
    "history",
    "history --verify",
    "diff fix",
    "daemon status",
    "hook status --python {python}",
    "check {file} --python {python}",
    "check {file} --pid {pid}",
    "disable fix",
    "enable fix",
    "off",
    "on",
    "remove fix",
    "daemon start",
    "daemon stop",
)


@pytest.fixture
def patched(home: Home, app: Application, package: Package) -> dict[str, object]:
    """Words to fill in, once a patch is active."""
    path = package.write_patch("fix.diff", package.diff())
    home.add(path)
    other = bare(package.folder.parent / "other", home.environment.interpreter)
    (other.site_packages / "sample.pth").write_text(f"{package.folder}\n")
    home.run("hook", "install", "--python", other.python)
    return {"python": other.python, "file": path, "pid": app.pid}


def test_each_command_prints_one_document(home: Home, patched: dict[str, object]) -> None:
    for command in ANSWERED:
        words = [word.format(**patched) for word in command.split()]
        result = home.run("--json", *words, code=None)
        assert result.code == 0, result.explain()
        assert isinstance(result.json, (dict, list)), result.explain()


def test_add_tells_revision_patches_processes_and_summary(
    home: Home, app: Application, package: Package
) -> None:
    document = home.add(package.write_patch("fix.diff", package.diff())).document
    assert document["revision"] >= 1
    assert [patch["id"] for patch in document["patches"]] == ["fix"]
    assert [one["process"]["pid"] for one in document["processes"]] == [app.pid]
    assert document["summary"] == {"patched": 1, "waiting": 0, "skipped": 0, "failed": 0}


def test_errors_are_documents_too(home: Home) -> None:
    home.start()
    result = home.run("--json", "show", "nothing", code=5)
    said = result.out or result.err
    assert "nothing" in said


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_of_each_command(home: Home, command: str) -> None:
    said = home.run(*command.split(), "--help")
    assert "Usage:" in said.out
    if command in {"add", "check", "audit", "history", "hook"}:
        assert "patchctl " + command in said.out.split("Usage:", 1)[1].split("\n", 1)[1]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions(home: Home, shell: str) -> None:
    assert "patchctl" in home.run("completions", shell).out


def test_man_page(home: Home) -> None:
    assert ".TH" in home.run("man").out


def test_wrong_usage(home: Home) -> None:
    assert home.run("add", "--no-such-option", code=2).err
