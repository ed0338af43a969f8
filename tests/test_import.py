"""Patches at import: of packages, `python -m`, reloads, and what importing code sees of it."""

from __future__ import annotations

import pytest

from tests.conftest import Connected, Starter
from tests.rig.home import Home
from tests.rig.package import NET, Package
from tests.rig.waiting import until, until_equal


@pytest.mark.every_python
def test_module_is_patched_when_imported(home: Home, start: Starter, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    app = start()
    app.exec("from shop.price import net, Cart")
    assert app.eval("(net(5), Cart().add(1).sum())") == [10, 22]
    home.wait_state(app.pid, "fix", "active")


@pytest.mark.every_python
def test_top_level_change_is_seen_by_the_module_itself(home: Home, start: Starter, package: Package) -> None:
    change = ("RATE = 20\n", "RATE = 40\n")
    home.add(package.write_patch("fix.diff", package.diff("shop/price.py", change)))
    app = start()
    app.exec("import shop.price")
    assert app.eval("shop.price.total(1)") == 41


@pytest.mark.every_python
def test_loader_spec_and_file_stay_as_they_were(home: Home, start: Starter, package: Package) -> None:
    look = (
        "(type(shop.price.__loader__).__name__, shop.price.__spec__.origin, shop.price.__file__,"
        " shop.price.__spec__.cached)"
    )
    home.start()
    plain = start()
    plain.exec("import shop.price")
    expected = plain.eval(look)
    home.add(package.write_patch("fix.diff", package.diff()))
    patched = start()
    patched.exec("import shop.price")
    assert patched.eval("shop.price.net(1)") == 2
    assert patched.eval(look) == expected


def test_source_and_tracebacks_show_the_patched_lines(home: Home, start: Starter, package: Package) -> None:
    change = (NET[0], "    return amount * undefined_name\n")
    home.add(package.write_patch("fix.diff", package.diff("shop/price.py", change)))
    app = start()
    app.exec("import shop.price, inspect, traceback")
    assert "undefined_name" in app.eval("inspect.getsource(shop.price.net)")
    app.exec("try:\n    shop.price.net(1)\nexcept NameError:\n    text = traceback.format_exc()")
    assert "return amount * undefined_name" in app.eval("text")


def test_reload_and_fresh_import_are_patched(home: Home, start: Starter, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    app = start()
    app.exec("import importlib, sys, shop.price")
    app.exec("for _ in range(1200): importlib.reload(shop.price)")
    assert app.eval("shop.price.net(1)") == 2
    app.exec("del sys.modules['shop.price']; import shop.price")
    assert app.eval("shop.price.net(1)") == 2


@pytest.mark.every_python
def test_module_run_as_main(home: Home, start: Starter, package: Package) -> None:
    (package.folder / "shop" / "service.py").write_text(
        "import json, sys\n\n\ndef answer():\n    return 1\n\n\n"
        "if __name__ == '__main__':\n"
        "    print(json.dumps({'ready': answer()}), flush=True)\n"
        "    sys.stdin.read()\n"
    )
    patch = '# /// patch\n# module = "shop.service"\n# ///\ndef answer():\n    return 2\n'
    home.add(package.write_patch("main.py", patch))
    assert start(command=("-m", "shop.service")).pid == 2


def test_pyc_files_are_not_touched(home: Home, start: Starter, package: Package) -> None:
    home.start()
    start().exec("import shop.price")
    compiled = {path: path.read_bytes() for path in package.folder.rglob("*.pyc")}
    assert compiled
    home.add(package.write_patch("fix.diff", package.diff()))
    app = start()
    app.exec("import shop.price")
    assert app.eval("shop.price.net(1)") == 2
    assert {path: path.read_bytes() for path in package.folder.rglob("*.pyc")} == compiled


def test_pyc_written_while_patched_is_the_original(home: Home, start: Starter, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    patched = start()
    patched.exec("import shop.price")
    assert patched.eval("shop.price.net(1)") == 2
    home.remove("fix")
    home.run("daemon", "stop")
    plain = start()
    plain.exec("import shop.price")
    assert plain.eval("shop.price.net(1)") == 1


def test_threads_that_import_in_a_package_do_not_hang(home: Home, start: Starter, package: Package) -> None:
    (package.folder / "shop" / "__init__.py").write_text(
        "import threading\n\n\ndef work():\n    import shop.stock\n\n\n"
        "thread = threading.Thread(target=work)\nthread.start()\nthread.join(0.2)\n"
    )
    home.add(package.write_patch("fix.diff", package.diff()))
    app = start()
    app.exec("import shop.price")
    assert app.eval("shop.price.net(1)") == 2


@pytest.mark.every_python
def test_modules_imported_before_the_hook_are_patched_live(
    home: Home, start: Starter, package: Package
) -> None:
    patch = '# /// patch\n# module = "genericpath"\n# ///\ndef commonprefix(m):\n    return "patched"\n'
    home.add(package.write_patch("early.py", patch))
    app = start()
    home.wait_state(app.pid, "early", "active")
    assert app.eval("__import__('os').path.commonprefix([])") == "patched"


# Finds what the others find, and has its modules loaded through a loader of its own, as wrapt does.
WRAPPING = """
import importlib.util, sys
class Chained:
    def __init__(self, loader): self.loader = loader
    def create_module(self, spec): return self.loader.create_module(spec)
    def exec_module(self, module): self.loader.exec_module(module)
class Wrapping:
    busy = False
    def find_spec(self, name, path=None, target=None):
        if self.busy or name != 'shop.early': return None
        self.busy = True
        spec = importlib.util.find_spec(name)
        self.busy = False
        spec.loader = Chained(spec.loader)
        return spec
sys.meta_path.insert(0, Wrapping())
"""


@pytest.mark.every_python
@pytest.mark.parametrize("before", ["", WRAPPING], ids=["plain", "wrapped"])
def test_the_first_patch_comes_before_the_import(
    home: Home, connected: Connected, package: Package, before: str
) -> None:
    (package.folder / "shop" / "early.py").write_text("def rate():\n    return 1\n\n\nAT_IMPORT = rate()\n")
    app = connected()
    app.exec(before)
    count = "len(__import__('sys').meta_path)"
    without = app.eval(count)
    patch = '# /// patch\n# module = "shop.early"\n# ///\ndef rate():\n    return 2\n'
    home.add(package.write_patch("early.py", patch), code=None)
    until(lambda: app.eval(count), lambda found: found > without)
    app.exec("import shop.early")
    assert app.eval("shop.early.AT_IMPORT") == 2
    home.wait_state(app.pid, "early", "active")


@pytest.mark.every_python
def test_module_that_a_finder_before_ours_finds(home: Home, connected: Connected, package: Package) -> None:
    app = connected()
    home.add(package.write_patch("fix.diff", package.diff()), code=None)
    app.exec(
        "import sys, importlib.machinery\n"
        "class Front:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'shop.price':\n"
        "            return importlib.machinery.PathFinder.find_spec(name, path, target)\n"
        "sys.meta_path.insert(0, Front())\n"
        "import shop.stock, shop.price\n"
    )
    until_equal(lambda: app.eval("shop.price.net(5)"), 10)
    home.wait_state(app.pid, "fix", "active")


@pytest.mark.every_python
def test_subinterpreters_stay_as_they_are_and_the_main_one_is_patched(
    home: Home, start: Starter, package: Package
) -> None:
    home.add(package.write_patch("fix.diff", package.diff()))
    app = start()
    app.exec("try: import _interpreters as sub\nexcept ImportError: import _xxsubinterpreters as sub")
    app.exec("one = sub.create()")
    app.exec("failed = sub.run_string(one, 'import shop.price; assert shop.price.net(1) == 1; import json')")
    assert app.eval("failed") is None
    app.exec("import shop.price")
    home.wait_state(app.pid, "fix", "active")
    assert "its subinterpreters run as they are" in home.run("audit").out
    assert "its subinterpreters run as they are" in home.run("audit", "--check", code=1).err
    app.exec("sub.destroy(one)")
    assert "subinterpreters" not in home.run("audit", "--check").out
    assert app.eval("shop.price.net(1)") == 2
    assert app.said() == ""


@pytest.mark.every_python
def test_lazy_imports_are_patched_when_used_and_not_before(
    home: Home, start: Starter, package: Package
) -> None:
    home.start()
    app = start()
    if app.eval("__import__('sys').version_info < (3, 15)"):
        pytest.skip("lazy imports are there from Python 3.15 on")
    (package.folder / "user.py").write_text("lazy import shop.price\nlazy from shop.stock import count\n")
    app.exec(
        "import sys, user; sorts = lambda: [type(vars(user)[name]).__name__ for name in ('shop', 'count')]"
    )
    home.wait_linked(app.pid)
    assert home.add(package.write_patch("fix.diff", package.diff())).state(app.pid) == "waiting"
    mirror = package.write_patch("user.py", "def extra():\n    return 1\n", 'module = "user"')
    assert home.add(mirror).state(app.pid) == "active"
    assert home.state(app.pid, "user") == "active"
    assert app.eval("(sorts(), 'shop.price' in sys.modules)") == [["lazy_import", "lazy_import"], False]
    assert app.eval("(user.shop.price.net(1), user.count('a'), user.extra())") == [2, 1, 1]


LAZY = """
import importlib.util, sys
def lazily(name):
    spec = importlib.util.find_spec(name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
def sort(name):
    return type(sys.modules[name]).__name__
import shop
price = lazily("shop.price")
"""


@pytest.mark.every_python
@pytest.mark.parametrize("moment", ["before", "unloaded", "loaded"])
def test_modules_of_a_lazy_loader(home: Home, start: Starter, package: Package, moment: str) -> None:
    patch = package.write_patch("fix.diff", package.diff())
    home.start()
    if moment == "before":
        home.add(patch)
    app = start()
    app.exec(LAZY)
    home.wait_linked(app.pid)
    if moment == "loaded":
        assert app.eval("price.net(1)") == 1
    if moment != "before":
        state = home.add(patch).state(app.pid)
        assert state == ("active" if moment == "loaded" else "waiting")
    home.audit()
    assert app.eval("sort('shop.price')") == ("module" if moment == "loaded" else "_LazyModule")
    if moment == "before":
        assert app.eval("price.net(1)") == 2
    until_equal(lambda: app.eval("price.net(1)"), 2)
    home.wait_state(app.pid, "fix", "active")
    assert app.eval("(sort('shop.price'), type(price.__spec__.loader).__name__)") == [
        "module",
        "SourceFileLoader",
    ]
    home.remove("fix")
    assert app.eval("price.net(1)") == 1
