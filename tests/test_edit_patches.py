"""What edit patches promise beside their operations: addresses, stacking, undo, what they work on."""

from __future__ import annotations

from pathlib import Path
from subprocess import run

import pytest

from tests.conftest import Connected, Starter
from tests.rig.edited import Site, edits, write_sample
from tests.rig.environment import bare
from tests.rig.home import Home
from tests.rig.interpreters import Interpreter
from tests.rig.package import Package
from tests.rig.waiting import until_equal


@pytest.fixture
def site(home: Home, connected: Connected, package: Package, folder: Path) -> Site:
    write_sample(package)
    app = connected("import edited")
    return Site(home, app, folder)


@pytest.mark.every_python
def test_from_the_shell(site: Site) -> None:
    home, app = site.home, site.app
    app.exec("before = (edited.wadd.__code__, edited.wadd.__defaults__)")
    assert site.eval("(wadd(3, 1), REGISTRY['wadd'](3, 1))") == [64, 64]
    changed = home.add("edited:wadd", "--replace", "+", "-")
    assert changed.state(app.pid) == "active"
    assert site.eval("(wadd(3, 1), REGISTRY['wadd'](3, 1))") == [8, 8]
    assert 'replace = ["+", "-"]' in home.run("show", "edited.wadd").out
    assert home.state(app.pid, "edited.wadd") == "active"
    home.remove("edited.wadd")
    assert site.eval("wadd(3, 1)") == 64
    assert app.eval("edited.wadd.__code__ is before[0] and edited.wadd.__defaults__ is before[1]") is True


@pytest.mark.every_python
def test_ambiguous_edit_names_the_places(site: Site, interpreter: Interpreter) -> None:
    home, app = site.home, site.app
    result = home.run("add", "edited:twice", "--replace", "-", "+", code=None)
    assert result.code != 0
    said = " ".join(result.out.split())
    assert "edit-mismatch" in said
    assert "occurs 2 times" in said
    assert said.count("line 16") == 2
    assert "return (a - b) * (a - b)" in said
    if interpreter.version >= (3, 11):
        assert "column 13" in said
        assert "column 23" in said
    assert site.eval("twice(5, 3)") == 4
    home.remove("edited.twice")
    home.add("edited:twice", "--replace", "-", "+", "--nth", "1", "--of", "2")
    assert site.eval("twice(5, 3)") == 16
    home.add("edited:twice", "--replace", "-", "+", "--all", "--overwrite")
    assert site.eval("twice(5, 3)") == 64
    assert app.alive()


def test_dry_run_shows_the_file_and_changes_nothing(site: Site) -> None:
    result = site.home.run("add", "edited:wadd", "--constant", "3", "2", "--line", "10", "--dry-run")
    assert 'module = "edited"' in result.out
    assert "constant = [3, 2]" in result.out
    assert site.eval("wadd(3, 1)") == 64
    assert site.home.json("list")["patches"] == []


@pytest.mark.every_python
def test_trial_asks_the_process(site: Site) -> None:
    home, pid = site.home, site.app.pid
    fits = home.add("edited:wadd", "--replace", "+", "-", "--dry-run")
    assert (fits.state(pid), fits.outcome(pid)["functions"]) == ("active", 1)
    ambiguous = home.add("edited:twice", "--replace", "-", "+", "--dry-run", code=None)
    assert ambiguous.reason(pid) == "edit-mismatch"
    assert "nth = 1" in ambiguous.outcome(pid)["refusal"]["detail"]
    path = site.folder / "fix.toml"
    path.write_text(edits("wadd", "constant = [3, 2]", "remove-line = 40"))
    refused = home.run("check", path, "--pid", pid, code=None)
    assert "edit-mismatch" in refused.out
    path.write_text(edits("wadd", "constant = [3, 2]"))
    assert "constant 3 becomes 2" in home.run("check", path, "--pid", pid).out
    assert site.eval("(wadd(3, 1), twice(5, 3))") == [64, 4]
    assert home.json("list")["patches"] == []


@pytest.mark.every_python
def test_check_without_a_process(
    home: Home, package: Package, folder: Path, interpreter: Interpreter
) -> None:
    write_sample(package)
    other = bare(folder / "other", interpreter)
    (other.site_packages / "sample.pth").write_text(f"{package.folder}\n")
    path = folder / "fix.toml"
    path.write_text(edits("Thing.plane", 'replace = ["+", "-"]'))
    result = home.run("check", path, "--python", other.python)
    assert "operator + becomes -" in result.out
    assert "near it: Thing.plain" in result.out

    path.write_text(edits("twice", 'replace = ["-", "+"]'))
    refused = " ".join(home.run("check", path, "--python", other.python, code=3).out.split())
    assert "edit-mismatch" in refused
    assert "occurs 2 times" in refused
    assert refused.count("line 16") == 2

    path.write_text(edits("wadd", 'replace = ["+", "-"]'))
    fits = home.run("check", path, "--python", other.python).out
    spot = "line 11, column 15" if interpreter.version >= (3, 11) else "line 11"
    assert f"wadd: {spot}: `result" in fits
    source = package.folder / "edited.py"
    command = "import py_compile, sys; py_compile.compile(sys.argv[1], cfile=sys.argv[2])"
    run([other.python, "-c", command, source, f"{source}c"], check=True)
    source.unlink()
    (module,) = home.json("check", path, "--python", other.python)["modules"]
    assert module["file"] == f"{source}c"
    assert [note.partition(":")[0] for note in module["notes"]] == ["wadd"]
    assert not home.socket.exists()


@pytest.mark.every_python
def test_whatever_holds_the_function(site: Site) -> None:
    for number, (target, before, after) in enumerate(
        [
            ("wrapped", "wrapped(1)", -4),
            ("context", "context(1).__enter__()", -6),
            ("shorter", "shorter(1)", -2),
            ("Thing.plain", "Thing().plain(1)", -3),
            ("Thing.of_class", "Thing.of_class(1)", -3),
            ("Thing.static", "Thing.static(1)", 0),
            ("Thing.value", "Thing().value", 3),
            ("loop", "list(loop([1]))[0]", 0),
            ("maker.<locals>.inner", "CLOSURES[1](1)", -1),
            ("maker.<locals>.inner", "maker(5)(1)", -4),
        ]
    ):
        old = site.eval(before)
        assert site.edit(target, 'replace = ["+", "-"]', name=f"p{number}")[0] == "active", target
        assert site.eval(before) == after, target
        site.home.remove(f"p{number}")
        assert site.eval(before) == old, target


@pytest.mark.every_python
def test_default_values(site: Site) -> None:
    state, _, detail = site.edit(
        "over", 'default = ["limit", { py = "LIMIT // 2" }]', 'add-argument = ["scale", 2]'
    )
    assert state == "active", detail
    assert site.eval("(over(7), over(7, 3), over.__defaults__, over.__kwdefaults__)") == [
        True,
        True,
        [2],
        {"limit": 5},
    ]
    assert site.home.state(site.app.pid, "fix") == "active"
    site.home.remove("fix")
    assert site.eval("(over(7), over.__defaults__, over.__kwdefaults__)") == [False, None, {"limit": 10}]
    reason, detail = site.edit("wadd", 'default = ["z", 1]')[1:]
    assert (reason, "`z`" in detail) == ("edit-mismatch", True)


@pytest.mark.every_python
def test_values_of_the_module(site: Site) -> None:
    state, _, detail = site.edit("rate", 'global-to-constant = ["RATE", { py = "LATE" }]')
    assert state == "active", detail
    assert site.eval("rate(1) is not LATE and rate(1) == LATE") is True
    site.home.remove("fix")
    assert site.edit("rate", 'global-to-constant = ["RATE", { py = "ABSENT" }]')[1] == "raised"
    assert site.eval("rate(3)") == 6


@pytest.mark.every_python
def test_statements_in_methods(site: Site) -> None:
    statement = "insert = \"text = '''one\\ntwo'''\\na = a + self.__hidden + len(text)\""
    state, _, detail = site.edit("Thing.plain", statement)
    assert state == "active", detail
    assert site.eval("Thing().plain(1)") == 1 + 20 + 7 + 4


@pytest.mark.every_python
def test_on_top_of_the_source(site: Site, package: Package) -> None:
    old, new = "    return a * RATE\n", "    return (a - RATE) * RATE\n"
    text = package.diff("edited.py", (old, new))
    assert site.add("source.diff", text)[0] == "active"
    assert site.eval("rate(5)") == 6
    assert site.edit("rate", 'replace = ["-", "+"]')[0] == "active"
    assert site.eval("rate(5)") == 14
    site.home.remove("source")
    until_equal(lambda: site.home.state(site.app.pid, "fix"), "skipped")
    assert site.eval("rate(5)") == 10
    assert site.add("source.diff", text)[0] == "active"
    until_equal(lambda: site.eval("rate(5)"), 14)
    later = "# /// patch\n# order = 5\n# ///\n"
    site.home.remove("source", "fix")
    assert site.edit("rate", 'replace = ["*", "+"]')[0] == "active"
    assert site.add("source.diff", later + text, code=None)[1] == "conflict"
    assert site.eval("rate(5)") == 7


@pytest.mark.every_python
def test_what_another_patch_makes_new(site: Site, package: Package) -> None:
    home, pid = site.home, site.app.pid
    made = (
        "def added(a):\n    return a + 5\n\n\nclass Added:\n    def get(self, a):\n        return a + 6\n\n\n"
    )
    text = package.diff("edited.py", ("def wadd(x, y=1):\n", made + "def wadd(x, y=1):\n"))
    for function, body in (("added", 'replace = ["+", "*"]'), ("Added.get", 'replace = ["+", "-"]')):
        assert site.add("source.diff", text)[0] == "active"
        assert site.eval("(added(3), Added().get(3))") == [8, 9]
        assert site.edit(function, body)[0] == "active"
        wanted = [15, 9] if function == "added" else [8, -3]
        assert site.eval("(added(3), Added().get(3))") == wanted
        assert home.state(pid, "fix") == "active"
        home.remove("fix")
        assert site.eval("(added(3), Added().get(3))") == [8, 9]
        home.remove("source")
    assert site.edit("added", 'replace = ["+", "*"]')[1] == "target-not-found"
    assert site.add("source.diff", text)[0] == "active"
    until_equal(lambda: home.state(pid, "fix"), "active")
    assert site.eval("added(3)") == 15
    assert site.edit("added", 'default = ["a", 2]', name="more")[0] == "active"
    assert site.eval("added()") == 10
    home.remove("source", "fix", "more")
    assert site.eval("'added' in globals()") is False


@pytest.mark.every_python
def test_on_top_of_a_module_that_is_compiled_anew(
    home: Home, start: Starter, package: Package, folder: Path
) -> None:
    write_sample(package)
    changes = ("RATE = 2\n", "RATE = 4\n"), ("    return a * RATE\n", "    return (a - 1) * RATE\n")
    (folder / "source.diff").write_text(package.diff("edited.py", *changes))
    (folder / "fix.toml").write_text(edits("rate", 'replace = ["-", "+"]'))
    (folder / "other.toml").write_text(edits("twice", 'replace = ["*", "+"]'))
    home.start()
    home.add(folder / "source.diff", folder / "fix.toml", folder / "other.toml")
    app = start()
    app.exec("import edited")
    home.wait_linked(app.pid)
    got = "(edited.rate(5), edited.twice(5, 3))"
    assert app.eval(got) == [24, 4]
    home.wait_state(app.pid, "fix", "active")
    for removed, after in (("other", [24, 4]), ("fix", [16, 4]), ("source", [10, 4])):
        home.remove(removed)
        assert app.eval(got) == after, removed


@pytest.mark.every_python
def test_old_code_drains_and_drift_is_told(site: Site) -> None:
    site.app.exec("running = edited.loop([1, 2]); next(running)")
    assert site.edit("loop", 'replace = ["+", "-"]')[0] in {"active", "draining"}
    assert site.home.state(site.app.pid, "fix") == "draining"
    assert site.app.eval("list(running)") == [3]
    until_equal(lambda: site.home.state(site.app.pid, "fix"), "active")
    site.app.exec("def other(items): yield 0\nedited.loop.__code__ = other.__code__")
    assert site.home.state(site.app.pid, "fix") == "drifted"


@pytest.mark.every_python
def test_bodies_of_modules_and_classes(site: Site, start: Starter) -> None:
    both = (
        'module = "edited"\n[[edit]]\nfunction = "<module>"\nconstant = [10, 11]\n'
        '[[edit]]\nfunction = "Thing"\nconstant = [4, 9]\n'
        '[[edit]]\nfunction = "Thing.plain"\nreplace = ["+", "*"]\n'
    )
    assert site.add("fix.toml", both, code=None)[1] == "unsupported-change"
    assert site.eval("(LIMIT, Thing().plain(2))") == [10, 6]
    fresh = start()
    fresh.exec("import edited")
    site.home.wait_linked(fresh.pid)
    got = "(edited.LIMIT, edited.LATE, edited.over(11), edited.Thing().plain(2), edited.Thing().value)"
    assert fresh.eval(got) == [11, [1100], False, 18, 10]
    site.home.wait_state(fresh.pid, "fix", "active")
    other = site.folder / "other.toml"
    other.write_text(edits("twice", 'replace = ["*", "+"]'))
    assert site.home.add(other, code=None).state(fresh.pid) == "active"
    assert fresh.eval("(edited.twice(5, 3), edited.Thing().plain(2))") == [4, 18]
    assert site.home.state(fresh.pid, "fix") == "active"
    # What the bodies computed stays, and is told; the functions are as they were.
    removed = site.home.remove("fix", code=1)
    assert removed.state(fresh.pid) == "failed"
    stale = {one["name"]: one for one in removed.outcome(fresh.pid)["stale"]}
    assert set(stale) == {"<module>", "Thing"}
    lines = Path(stale["Thing"]["file"]).read_text().splitlines()
    assert lines[stale["Thing"]["line"] - 1].startswith("class Thing")
    assert fresh.eval("(edited.LIMIT, edited.Thing().plain(2), edited.Thing().value)") == [11, 11, 10]
    assert site.home.add(site.folder / "fix.toml", code=None).state(fresh.pid) == "active"
    assert fresh.eval("edited.Thing().plain(2)") == 18


@pytest.mark.every_python
def test_complete_when_the_import_returns(home: Home, start: Starter, package: Package, folder: Path) -> None:
    write_sample(package)
    path = folder / "fix.toml"
    text = edits("wadd", 'add-argument = ["scale", 100]', 'replace-line = [11, "result = x * scale"]')
    path.write_text(
        text
        + '[[edit]]\nfunction = "shorter"\nreplace = ["+", "-"]\n'
        + '[[edit]]\nfunction = "rate"\nglobal-to-constant = ["RATE", { py = "LIMIT" }]\n'
        + '[[edit]]\nfunction = "twice"\nreplace = ["*", "+"]\n'
    )
    home.start()
    home.add(path)
    app = start()
    got = (
        "(edited.wadd(3), edited.REGISTRY['wadd'](3), edited.shorter(1), edited.rate(3), edited.twice(5, 3))"
    )
    assert app.eval(f"(exec('import edited', globals()), {got})[1]") == [300, 300, -2, 30, 4]
    home.wait_linked(app.pid)
    home.wait_state(app.pid, "fix", "active")
    home.remove("fix")
    assert app.eval(got) == [64, 64, 4, 6, 4]


@pytest.mark.every_python
@pytest.mark.parametrize("first", ["module", "patch"])
def test_without_source(home: Home, start: Starter, package: Package, folder: Path, first: str) -> None:
    path = package.folder / "edited.py"
    write_sample(package)
    home.start()
    app = start()
    app.exec(
        f"import py_compile, os; py_compile.compile({str(path)!r}, cfile={str(path) + 'c'!r});"
        f" os.unlink({str(path)!r})"
    )
    patch = folder / "fix.toml"
    patch.write_text(edits("wadd", 'replace = ["+", "-"]', "insert = 'x = x + 1'"))
    if first == "module":
        app.exec("import edited")
        home.wait_linked(app.pid)
        assert home.add(patch).state(app.pid) == "active"
    else:
        home.add(patch)
        app.exec("import edited")
        home.wait_linked(app.pid)
    assert app.eval("edited.wadd(3, 1)") == 27
    home.wait_state(app.pid, "fix", "active")
    home.remove("fix")
    assert app.eval("edited.wadd(3, 1)") == 64


@pytest.mark.every_python
def test_unknown_instructions_are_not_guessed(site: Site) -> None:
    site.app.exec("import opcode; names = dict(opcode.opmap); names['NOP'] = 250; opcode.opmap = names")
    assert site.edit("wadd", 'replace = ["+", "-"]')[1] == "unsupported-python"
    assert site.eval("wadd(3, 1)") == 64


@pytest.mark.every_python
def test_nothing_is_imported_without_an_edit(site: Site, package: Package) -> None:
    text = package.diff("edited.py", ("    return a * RATE\n", "    return a * RATE + 1\n"))
    before = site.app.eval("'opcode' in __import__('sys').modules")
    assert site.add("source.diff", text)[0] == "active"
    assert site.app.eval("'opcode' in __import__('sys').modules") == before


def test_options_that_make_no_sense(site: Site) -> None:
    for words in [
        ("edited:wadd",),
        ("edited:wadd", "--line", "3"),
        ("edited", "--negate"),
        ("edited:wadd", "other.diff", "--negate"),
        ("edited:wadd", "--constant", "y", "'z'"),
    ]:
        result = site.home.run("add", *words, code=None)
        assert result.code == 2, result.explain()
        assert "hint:" in result.err or "several" in result.err
