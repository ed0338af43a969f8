"""`patchctl audit`, `ps`, `list`, `show` and `diff`: what is told is what is true."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.conftest import Connected
from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import Package


@pytest.mark.every_python
def test_functions_and_holders_are_named(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    (row,) = [row for row in home.json("audit")["processes"] if row["process"]["pid"] == app.pid]
    assert row["answered"] is True
    (report,) = row["patches"]
    (module,) = report["modules"]
    assert module["name"] == "shop.price"
    (function,) = module["functions"]
    assert (function["name"], function["state"]) == ("net", "active")
    assert function["holders"] >= 1
    assert report["since"] > 0


@pytest.mark.every_python
def test_a_change_by_someone_else_is_drift(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    app.exec("def other(amount):\n    return -1\nshop.price.net.__code__ = other.__code__")
    assert home.state(app.pid, "fix") == "drifted"
    assert home.run("audit", "--check", code=None).code != 0


@pytest.mark.every_python
def test_running_generator_drains(home: Home, connected: Connected, package: Package) -> None:
    path = package.folder / "shop" / "stream.py"
    path.write_text("def numbers():\n    while True:\n        yield 1\n")
    app = connected("import shop.stream\ngenerator = shop.stream.numbers()\nnext(generator)")
    patch = "def numbers():\n    while True:\n        yield 2\n"
    home.add(package.write_patch("fix.py", patch, 'module = "shop.stream"'))
    assert app.eval("(next(generator), next(shop.stream.numbers()))") == [1, 2]
    assert home.state(app.pid, "fix") == "draining"
    app.exec("generator.close(); del generator")
    home.wait_state(app.pid, "fix", "active")


def test_module_not_yet_imported_is_waiting(home: Home, connected: Connected, package: Package) -> None:
    app = connected()
    home.add(package.write_patch("fix.diff", package.diff()))
    assert home.state(app.pid, "fix") == "waiting"
    home.run("audit", "--check")


def test_check_tells_by_its_exit_status(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    home.run("audit", "--check")
    stranger = package.diff().replace("return amount", "return something_else")
    home.add(package.write_patch("bad.diff", stranger), code=None)
    assert home.run("audit", "--check", code=None).code == 1
    assert app.eval("shop.price.net(5)") == 10


def test_stopped_process_is_shown_as_unanswered(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    app.signal(signal.SIGSTOP)
    try:
        (row,) = [row for row in home.json("audit")["processes"] if row["process"]["pid"] == app.pid]
        assert row["answered"] is False
        assert home.run("audit", "--check", code=None).code != 0
    finally:
        app.signal(signal.SIGCONT)


def test_one_row_per_function(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    table = home.run("audit").out
    (line,) = [line for line in table.splitlines() if str(app.pid) in line]
    for word in ("shop.price:net", "fix", "active"):
        assert word in line


def test_processes_are_listed_and_forgotten(home: Home, connected: Connected) -> None:
    app = connected()
    (process,) = [one for one in home.json("ps")["processes"] if one["pid"] == app.pid]
    assert process["python"] == app.eval("'.'.join(map(str, __import__('sys').version_info[:3]))")
    assert any("application.py" in word for word in process["command"])
    app.close()
    assert home.linked() == []


def test_show_prints_the_file(home: Home, package: Package) -> None:
    home.start()
    text = package.diff()
    home.add(package.write_patch("fix.diff", text))
    assert "+    return amount * 2" in home.run("show", "fix").out
    assert home.json("show", "fix")["patch"]["modules"] == ["shop.price"]
    home.run("show", "nothing", code=5)


def test_diff_of_original_and_patched_source(home: Home, app: Application, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    text = home.run("diff", "fix").out
    assert "-    return amount\n" in text
    assert "+    return amount * 2\n" in text
    assert app.alive()


def test_stale_values_are_told_and_renewed(home: Home, connected: Connected, package: Package) -> None:
    path = package.folder / "shop" / "table.py"
    text = "def build():\n    return 1\n\n\nVALUE = build()\n"
    path.write_text(text)
    package.files["shop/table.py"] = text
    app = connected("import shop.table")
    diff = package.diff("shop/table.py", ("    return 1\n", "    return 2\n"))
    changed = home.add(package.write_patch("fix.diff", diff))
    assert [stale["name"] for stale in changed.outcome(app.pid)["stale"]] == ["VALUE"]
    assert app.eval("(shop.table.build(), shop.table.VALUE)") == [2, 1]
    home.remove("fix")
    home.add(package.write_patch("fix.diff", diff), "--renew", "VALUE")
    assert app.eval("shop.table.VALUE") == 2
    home.remove("fix")
    assert app.eval("(shop.table.build(), shop.table.VALUE)") == [1, 1]


def test_what_other_modules_and_metaclasses_computed_is_stale(
    home: Home, connected: Connected, package: Package
) -> None:
    files = {
        "shop/release.py": "VERSION = '1.0.1'\n",
        "shop/banner.py": (
            '"""Words; VERSION = 1 is none."""\n\nfrom shop.release import VERSION as SHOWN\n\n\n'
            "class Banner:\n    text = f'shop {SHOWN}'\n\n    def show(self):\n        text = SHOWN\n"
            "        return text\n\n\ndef tell(text='shop ' + SHOWN):\n    return text, 'SHOWN'\n"
        ),
        "shop/meta.py": (
            "class Meta(type):\n    def __new__(cls, name, bases, body):\n"
            "        made = {key: f'<{one}>' if key == 'text' else one for key, one in body.items()}\n"
            "        return super().__new__(cls, name, bases, made)\n\n\n"
            "class Made(metaclass=Meta):\n    text = 'old'\n"
        ),
    }
    for name, text in files.items():
        (package.folder / name).write_text(text)
        package.files[name] = text
    app = connected("import shop.banner, shop.meta")
    diff = package.diff("shop/release.py", ("1.0.1", "1.0.2")) + package.diff(
        "shop/meta.py", ("'old'", "'new'")
    )
    changed = home.add(package.write_patch("fix.diff", diff))
    stale = {one["name"]: (one["line"], one["because"]) for one in changed.outcome(app.pid)["stale"]}
    assert stale == {
        "Banner.text": (7, "VERSION"),
        "tell": (14, "VERSION"),
        "Made.text": (8, "what its metaclass Meta made of it"),
    }
    assert app.eval("(shop.banner.Banner().show(), shop.banner.Banner.text)") == ["1.0.2", "shop 1.0.1"]
    home.remove("fix")
    assert app.eval("(shop.banner.Banner().show(), shop.meta.Made.text)") == ["1.0.1", "<old>"]


def test_who_holds_stale_values_elsewhere_is_told(home: Home, connected: Connected, package: Package) -> None:
    files = {
        "shop/release.py": (
            "class Maker:\n    def __init__(self):\n        self.word = 'old'\n\n    def tell(self):\n"
            "        return self.word\n\n\nTABLE = {}\n\n\ndef fill():\n    TABLE['word'] = 'old'\n\n\n"
            "fill()\nmaker = Maker()\ntell = maker.tell\nVERSION = '1.0'\n"
        ),
        "shop/banner.py": (
            "import shop.release\nfrom shop import release as made_in\nfrom shop.release import (\n"
            "    TABLE,\n    tell as say,\n)\n\nWORDS = dict(\n    TABLE,  # a copy\n)\n"
            "FULL = 'v' + shop.release.VERSION\n\n\n"
            "class Banner:\n    version = f'{made_in.VERSION}!'\n\n\ndef show(table: 'TABLE' = None):\n"
            "    return table or TABLE\n"
        ),
        "shop/front.py": (
            "from shop.banner import WORDS as SHOWN\nfrom shop.release import Maker, fill\n\nTABLE = {}\n"
            "filled = fill()\nmakers = [Maker, fill]\nmade = [Maker()]\n"
        ),
    }
    for name, text in files.items():
        (package.folder / name).write_text(text)
        package.files[name] = text
    app = connected("import shop.front")
    diff = package.diff(
        "shop/release.py",
        ("self.word = 'old'", "self.word = 'new'"),
        ("] = 'old'", "] = 'new'"),
        ("'1.0'", "'1.1'"),
    )
    changed = home.add(package.write_patch("fix.diff", diff))
    found = changed.outcome(app.pid)["stale"]
    stale = sorted((Path(one["file"]).stem, one["name"], one["line"]) for one in found)
    assert stale == [
        ("banner", "Banner.version", 15),
        ("banner", "FULL", 11),
        ("banner", "TABLE", 4),
        ("banner", "WORDS", 8),
        ("banner", "say", 5),
        ("front", "SHOWN", 1),
        ("front", "filled", 5),
        ("front", "made", 7),
        ("release", "TABLE", 16),
        ("release", "fill()", 16),
        ("release", "maker", 17),
        ("release", "tell", 18),
    ]
    app.exec("open(shop.front.__file__[:-8] + 'later.py', 'w').write('from shop.release import tell')")
    app.exec("import importlib; importlib.invalidate_caches(); import shop.later")
    assert "later.py:1, computed from Maker" in home.run("audit").out
    home.remove("fix")
