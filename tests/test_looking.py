"""`patchctl dis`, `inspect` and `diff` of a place: in running processes, environments and files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.rig.application import Application
from tests.rig.environment import Environment, plain_variables
from tests.rig.home import Home
from tests.rig.package import NET, Package

Starter = Callable[..., Application]
GUARDED = """\
def risky(items):
    try:
        return items[0] + 1
    except IndexError:
        return None
"""


def live(document: Any) -> Any:
    (code,) = document["code"]
    return code["live"]


@pytest.mark.every_python
def test_a_running_function(home: Home, package: Package, app: Application) -> None:
    before = home.json("dis", "shop.price:total")
    assert [line["op"] for line in live(before)["instructions"]].count("RETURN_VALUE") == 1
    assert "return net(amount) + tax" in [line["source"] for line in live(before)["instructions"]]
    assert before["code"][0]["pids"] == [app.pid]
    home.add(package.write_patch("fix.diff", package.diff()))
    after = home.json("dis", "shop.price:net")["code"][0]
    assert after["patches"] == ["fix"]
    assert "return amount * 2" in [line["source"] for line in after["live"]["instructions"]]
    assert "return amount" in [line["source"] for line in after["original"]["instructions"]]
    assert home.json("dis", "shop.price:total") == before
    home.remove("fix")
    assert home.json("dis", "shop.price:net")["code"][0]["original"] is None


@pytest.mark.every_python
def test_what_dis_says_is_what_the_interpreter_says(
    home: Home, environment: Environment, folder: Path, app: Application
) -> None:
    (folder / "guarded.py").write_text(GUARDED)
    code = (
        "import dis, json, sys; sys.path.insert(0, sys.argv[1]); import guarded;"
        "print(json.dumps([[i.offset, i.opname] for i in dis.get_instructions(guarded.risky)]))"
    )
    command = [str(environment.python), "-c", code, str(folder)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=plain_variables()).stdout
    target = f"{folder / 'guarded.py'}:risky"
    document = home.json("dis", target, "--python", environment.python)
    shown = {(line["offset"], line["op"]) for line in live(document)["instructions"]}
    # Superinstructions are taken apart, and prefixes belong to their instruction.
    for offset, name in json.loads(said):
        words = {(at, op) for at, op in shown if at == offset}
        assert words or name in {"CACHE", "EXTENDED_ARG"}, (offset, name)
        assert not words or name in {op for _, op in words} or "_LOAD_" in name or "_STORE_" in name
    text = home.run("dis", target, "--python", environment.python).out
    assert "return items[0] + 1" in text
    if environment.interpreter.version >= (3, 11):
        assert "exception handlers:" in text
        assert live(document)["handlers"]
    assert app.pid in home.linked()


def test_inspect_shows_both(home: Home, package: Package, app: Application) -> None:
    # Small numbers are no constants from Python 3.14 on.
    change = (NET[0], "    return amount * 2000\n")
    home.add(package.write_patch("fix.diff", package.diff("shop/price.py", change)))
    (code,) = home.json("inspect", "shop.price:net")["code"]
    assert code["pids"] == [app.pid]
    assert code["live"]["co_consts"] == "('Return the amount without tax.', 2000)"
    assert code["original"]["co_consts"] == "('Return the amount without tax.',)"
    seen = app.eval("(shop.price.net.__code__.co_code.hex(' '), shop.price.net.__code__.co_stacksize)")
    assert [code["live"]["co_code"], int(code["live"]["co_stacksize"])] == list(seen)
    assert "OPTIMIZED" in code["live"]["co_flags"]
    text = home.run("inspect", "shop.price:net").out
    assert "- co_consts" in text
    assert "+ co_consts" in text


def test_diff_of_a_place(home: Home, package: Package, app: Application) -> None:
    nothing = home.run("diff", "shop.price:net")
    assert "no patch changes it" in nothing.err
    home.add(package.write_patch("fix.diff", package.diff()))
    source = home.run("diff", "shop.price:net").out
    assert "-    return amount\n" in source
    assert "+    return amount * 2\n" in source
    instructions = home.run("diff", "shop.price:net", "--instructions").out
    assert "+" in instructions
    assert "BINARY_OP" in instructions
    beside = home.run("diff", "shop.price:net", "--side-by-side").out
    assert any("return amount" in line and " | " in line for line in beside.splitlines()), beside
    assert home.json("diff", "shop.price:net")["code"][0]["pids"] == [app.pid]


def test_equal_code_is_shown_once(home: Home, app: Application, start: Starter) -> None:
    other = start()
    other.exec("import shop.price")
    idle = start()
    home.wait_linked(other.pid, idle.pid)
    document = home.json("dis", "shop.price:net")
    assert [code["pids"] for code in document["code"]] == [sorted([app.pid, other.pid])]
    assert [(one["pid"], one["answer"]) for one in document["others"]] == [(idle.pid, "not-loaded")]
    assert "shop.price is not imported" in home.run("dis", "shop.price:net").err
    other.exec("def net(amount): return -1\nshop.price.net.__code__ = net.__code__")
    assert len(home.json("dis", "shop.price:net")["code"]) == 2
    assert len(home.json("dis", "shop.price:net", "--pid", other.pid)["code"]) == 1


def test_a_module_that_was_imported_patched(home: Home, package: Package, start: Starter) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    grafted = start()
    grafted.exec("import shop.price")
    home.wait_linked(grafted.pid)
    (code,) = home.json("dis", "shop.price:net")["code"]
    assert code["patches"] == ["fix"]
    assert code["original"] is not None
    home.remove("fix")
    changes = ("RATE = 20", "RATE = 30"), ("    return amount\n", "    return amount * 3\n")
    home.add(package.write_patch("more.diff", package.diff("shop/price.py", *changes)))
    whole = start()
    whole.exec("import shop.price")
    home.wait_linked(whole.pid)
    (code,) = home.json("dis", "shop.price:net", "--pid", whole.pid)["code"]
    assert (code["patches"], code["original_absent"]) == (["more"], False)
    assert code["original"] is not None
    said = home.run("diff", "shop.price:net", "--instructions", "--pid", whole.pid).out
    assert any(line.startswith("+") and "LOAD_" in line and "3" in line for line in said.splitlines())
    home.remove("more")
    made = "def made(amount):\n    return amount\n\n\n"
    new = package.diff("shop/price.py", ("def net(amount):\n", made + "def net(amount):\n"))
    home.add(package.write_patch("new.diff", new))
    other = start()
    other.exec("import shop.price")
    home.wait_linked(other.pid)
    (code,) = home.json("dis", "shop.price:made", "--pid", other.pid)["code"]
    assert code["original"] is None


def test_what_is_not_there(home: Home, app: Application) -> None:
    missing = home.run("dis", "shop.price:nett", code=5)
    assert "near it: net" in missing.err
    assert "not imported" in home.run("dis", "nowhere:f", code=5).err
    app.exec("shop.price.ceil = shop.price.math.ceil")
    assert "builtin_function_or_method" in home.run("dis", "shop.price:ceil", code=5).err
    assert "name one of its methods" in home.run("dis", "shop.price:Cart", code=5).err
    assert "is not linked" in home.run("dis", "shop.price:net", "--pid", "1", code=5).err
    home.run("dis", "shop", code=2)
    assert app.pid in home.linked()


@pytest.mark.every_python
def test_behind_decorators(home: Home, app: Application, folder: Path) -> None:
    (folder / "deco.py").write_text(
        "import functools\n"
        "ran = []\n"
        "class Meta(type):\n"
        "    def __getattribute__(cls, name):\n"
        "        ran.append(name)\n"
        "        return super().__getattribute__(name)\n"
        "class Odd(metaclass=Meta):\n"
        "    @property\n"
        "    def value(self):\n"
        "        return 'value'\n"
        "    @classmethod\n"
        "    def make(cls):\n"
        "        return 'made'\n"
        "def bare(f):\n"
        "    def wrapper(*args):\n"
        "        return f(*args)\n"
        "    return wrapper\n"
        "@functools.lru_cache(None)\n"
        "@bare\n"
        "def wrapped():\n"
        "    def inner():\n"
        "        return 'inner'\n"
        "    return inner\n"
        "ran.clear()\n"
    )
    app.exec(f"import sys; sys.path.insert(0, {str(folder)!r}); import deco")
    for place, constant in [
        ("Odd.value", "value"),
        ("Odd.make", "made"),
        ("wrapped.<locals>.inner", "inner"),
    ]:
        (code,) = home.json("inspect", f"deco:{place}")["code"]
        assert f"'{constant}'" in code["live"]["co_consts"], code
    (code,) = home.json("inspect", "deco:wrapped")["code"]
    assert code["live"]["co_name"] == "'wrapped'"
    assert app.eval("deco.ran") == []


def test_code_that_is_too_large(home: Home, app: Application) -> None:
    app.exec("shop.price.big = eval('lambda: ' + repr('x' * 3_000_000))")
    assert "more than" in home.run("dis", "shop.price:big", code=1).err


def test_objects_among_the_constants(home: Home, app: Application) -> None:
    app.exec(
        "code = shop.price.net.__code__\n"
        "shop.price.net.__code__ = code.replace(co_consts=code.co_consts + (print, object()))"
    )
    (code,) = home.json("inspect", "shop.price:net")["code"]
    assert "<object of type builtin_function_or_method>" in code["live"]["co_consts"]


def test_files_and_environments(home: Home, environment: Environment, package: Package, folder: Path) -> None:
    compiled = folder / "price.pyc"
    source = package.folder / "shop" / "price.py"
    home.run("dis", f"{source}:nothing", "--python", environment.python, code=5)
    script = "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], doraise=True)"
    subprocess.run([str(environment.python), "-c", script, str(source), str(compiled)], check=True)
    from_file = home.json("inspect", f"{compiled}:Cart.add")["code"][0]["live"]
    (environment.site_packages / "sample-looking.pth").write_text(f"{package.folder}\n")
    try:
        there = home.json("inspect", "shop.price:Cart.add", "--python", environment.python)["code"][0]
    finally:
        (environment.site_packages / "sample-looking.pth").unlink()
    assert there["live"]["co_code"] == from_file["co_code"]
    assert "Cart.sum" in home.run("dis", f"{compiled}:Cart.sums", code=5).err
    (folder / "bad.py").write_text("def f(:\n")
    assert (
        "does not compile" in home.run("dis", folder / "bad.py", "--python", environment.python, code=6).err
    )
    compiled.write_bytes(b"not a pyc file, whatever it is called")
    home.run("dis", compiled, code=6)
    assert not home.socket.exists()


NEW = '''

def tax(amount):
    """Return the tax."""
    return amount * 3


class Bill:
    """What is to be paid."""

    def sum(self):
        """Return it."""
        return tax(1)
'''


@pytest.mark.every_python
@pytest.mark.parametrize("way", ["before", "live"])
def test_functions_that_a_patch_makes(home: Home, package: Package, start: Starter, way: str) -> None:
    patch = package.write_patch(
        "more.diff", package.diff("shop/price.py", ("import math\n", "import math\n" + NEW))
    )
    home.start()
    if way == "before":
        home.add(patch)
    app = start()
    app.exec("import shop.price")
    home.wait_linked(app.pid)
    if way == "live":
        home.add(patch)
    home.wait_state(app.pid, "more", "active")
    for name in ("tax", "Bill.sum"):
        (code,) = home.json("dis", f"shop.price:{name}")["code"]
        assert (code["patches"], code["new"], code["original"]) == (["more"], True, None), name
        assert ", made by more" in home.run("dis", f"shop.price:{name}").out
        assert "made it" in home.run("dis", f"shop.price:{name}", "--original").err
    shown = home.run("diff", "shop.price:tax").out
    assert "+    return amount * 3\n" in shown
    assert "\n-" not in shown.split("+++", 1)[1]
    assert not home.json("dis", "shop.price:net")["code"][0]["new"]
    home.remove("more")
    assert "no linked process shows" in home.run("dis", "shop.price:tax", code=None).err
