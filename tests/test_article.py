"""Patching bytecode as articles teach it, step by step from the shell against a running process."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Connected
from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import Package

SOURCE = """\
OFFSET = 100


def wadd(x, y=1):
    pow_n = 3
    result = (x + y) ** pow_n
    return abs(result)


def shifted(x):
    return x + OFFSET


def scaled(x):
    factor = 7
    return x * OFFSET + factor
"""


@pytest.fixture
def package(folder: Any) -> Package:
    return Package(folder / "site", {"app.py": SOURCE})


@pytest.fixture
def app(connected: Connected) -> Application:
    return connected("import app")


def inspect(home: Home, target: str = "app:wadd") -> Any:
    (code,) = home.json("inspect", target)["code"]
    return code


def loads_globals(home: Home, target: str) -> bool:
    listing = home.json("dis", target)["code"][0]["live"]["instructions"]
    return any(line["op"].startswith("LOAD_GLOBAL") for line in listing)


def edit(home: Home, app: Application, *options: str, target: str = "app:wadd") -> str:
    changed = home.add(target, *options)
    assert changed.state(app.pid) == "active", changed.document
    return changed.ids()[0]


@pytest.mark.every_python
def test_attributes(home: Home, app: Application) -> None:
    shown = inspect(home)["live"]
    names = app.eval("[name for name in dir(app.wadd.__code__) if name.startswith('co_')]")
    methods = {"co_lines", "co_positions", "co_branches"}
    # `co_lnotab` is what `co_linetable` is made of from 3.10 on; the interpreter still computes it.
    assert set(shown) | methods | {"co_lnotab"} >= set(names)
    simple = "argcount posonlyargcount kwonlyargcount nlocals stacksize firstlineno"
    for name in simple.split():
        assert int(shown[f"co_{name}"]) == app.eval(f"app.wadd.__code__.co_{name}"), name
    for name in ("consts", "names", "varnames", "freevars", "cellvars", "filename", "name"):
        assert shown[f"co_{name}"] == app.eval(f"repr(app.wadd.__code__.co_{name})"), name
    assert shown["co_code"] == app.eval("app.wadd.__code__.co_code.hex(' ')")
    assert shown["co_flags"].startswith(str(app.eval("app.wadd.__code__.co_flags")))
    assert "OPTIMIZED, NEWLOCALS" in shown["co_flags"]


@pytest.mark.every_python
@pytest.mark.usefixtures("app")
def test_disassembly(home: Home) -> None:
    listing = home.json("dis", "app:wadd")["code"][0]["live"]["instructions"]
    assert [line["source"] for line in listing if line["source"]][-3:] == [
        "pow_n = 3",
        "result = (x + y) ** pow_n",
        "return abs(result)",
    ]
    meant = {line["meaning"] for line in listing}
    assert {"x", "y", "pow_n", "result"} <= meant
    assert any(word and word.startswith("abs") for word in meant)
    text = home.run("dis", "app:wadd").out
    assert "    6 | result = (x + y) ** pow_n" in text
    assert text.index("pow_n = 3") < text.index("STORE_FAST") < text.index("return abs(result)")


@pytest.mark.every_python
def test_operator(home: Home, app: Application) -> None:
    assert app.eval("app.wadd(3, 1)") == 64
    before = inspect(home)["live"]["co_code"].split()
    patch = edit(home, app, "--replace", "+", "-")
    assert app.eval("app.wadd(3, 1)") == 8
    code = inspect(home)
    after = code["live"]["co_code"].split()
    assert code["patches"] == [patch]
    assert code["original"]["co_code"].split() == before
    # One instruction is another: one byte of all.
    assert sum(old != new for old, new in zip(before, after)) == 1
    assert len(before) == len(after)
    changed = [name for name in code["live"] if code["live"][name] != code["original"][name]]
    assert changed == ["co_code"]
    lines = home.run("diff", "app:wadd", "--instructions").out.splitlines()
    removed = [line for line in lines if line.startswith("-") and not line.startswith("---")]
    added = [line for line in lines if line.startswith("+") and not line.startswith("+++")]
    assert len(removed) == len(added) == 1
    assert "(+)" in removed[0] or "BINARY_ADD" in removed[0]
    assert "(-)" in added[0] or "BINARY_SUBTRACT" in added[0]
    home.remove(patch)
    assert app.eval("app.wadd(3, 1)") == 64
    assert inspect(home)["live"]["co_code"].split() == before


@pytest.mark.every_python
def test_constants(home: Home, app: Application) -> None:
    patch = edit(home, app, "--constant", "3", "2")
    assert app.eval("app.wadd(3, 1)") == 16
    assert app.eval("app.wadd(3)") == 16
    home.remove(patch)
    assert app.eval("app.wadd(3, 1)") == 64


@pytest.mark.every_python
def test_arguments(home: Home, app: Application) -> None:
    more = edit(home, app, "--add-argument", "pow_m", "10")
    assert app.eval("app.wadd(3, 1, 5)") == 64
    assert app.eval("app.wadd(3, 1, pow_m=5)") == 64
    assert inspect(home)["live"]["co_argcount"] == "3"
    assert inspect(home)["live"]["co_varnames"].startswith("('x', 'y', 'pow_m'")
    home.remove(more)
    with pytest.raises(AssertionError, match="TypeError"):
        app.eval("app.wadd(3, 1, 5)")
    other = edit(home, app, "--default", "y", "2")
    assert app.eval("app.wadd(3)") == 125
    home.remove(other)
    assert app.eval("(app.wadd(3), app.wadd.__defaults__)") == [64, [1]]


@pytest.mark.every_python
def test_globals_to_locals(home: Home, app: Application) -> None:
    constant = edit(home, app, "--global-to-constant", "OFFSET", "5", target="app:shifted")
    assert app.eval("app.shifted(1)") == 6
    assert not loads_globals(home, "app:shifted")
    home.remove(constant)
    assert app.eval("app.shifted(1)") == 101
    assert loads_globals(home, "app:shifted")
    local = edit(home, app, "--global-to-local", "OFFSET", "factor", target="app:scaled")
    assert app.eval("app.scaled(2)") == 21
    assert not loads_globals(home, "app:scaled")
    home.remove(local)
    assert app.eval("app.scaled(2)") == 207


@pytest.mark.every_python
def test_new_statement(home: Home, app: Application) -> None:
    app.exec("app.seen = []")
    patch = edit(home, app, "--insert", "result = -result - 1", "--after-line", "6")
    assert app.eval("app.wadd(3, 1)") == 65
    assert "UNARY_NEGATIVE" in home.run("diff", "app:wadd", "--instructions").out
    home.remove(patch)
    patch = edit(home, app, "--insert", "seen.append((x, value))", "--at", "return", "--value", "value")
    assert app.eval("(app.wadd(3, 1), app.seen)") == [64, [[3, 64]]]
    home.remove(patch)
    assert app.eval("(app.wadd(3, 1), app.seen)") == [64, [[3, 64]]]
