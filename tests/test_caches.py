"""Caches of functions: cleared where a patch says so, when it comes and when it goes; else named as stale."""

from __future__ import annotations

import pytest

from tests.conftest import Connected, Starter
from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import Package

CACHED = '''\
"""Functions that remember."""
import functools


def base(x):
    return x


@functools.lru_cache(maxsize=None)
def direct(x):
    return x + 1


@functools.lru_cache
def through(x):
    return base(x) + 10


@functools.lru_cache
def unrelated(x):
    return x + 1000


class Shelf:
    @staticmethod
    @functools.lru_cache(maxsize=None)
    def fixed(x):
        return base(x) + 100

    @functools.cached_property
    def lazy(self):
        return base(1)


under_another_name = functools.lru_cache(maxsize=None)(base)
'''
CHANGES = (("    return x\n\n\n@functools", "    return x * 2\n\n\n@functools"), ("x + 1\n", "x + 2\n"))
CALLS = "[m.direct(1), m.through(1), m.Shelf.fixed(1), m.under_another_name(1), elsewhere(1), m.unrelated(1)]"
OLD, NEW = [2, 11, 101, 1, 1, 1001], [3, 12, 102, 2, 2, 1001]


@pytest.fixture
def cached(connected: Connected, package: Package) -> Application:
    path = package.folder / "shop" / "cached.py"
    path.write_text(CACHED)
    package.files["shop/cached.py"] = CACHED
    return connected("import functools, shop.cached as m; elsewhere = functools.lru_cache(m.base)")


@pytest.mark.every_python
def test_cleared_when_the_patch_comes_and_when_it_goes(
    home: Home, cached: Application, package: Package
) -> None:
    assert cached.eval(CALLS) == OLD
    patch = package.write_patch("fix.diff", package.diff("shop/cached.py", *CHANGES))
    changed = home.add(patch, "--clear-caches")
    assert changed.outcome(cached.pid)["stale"] == []
    assert cached.eval("m.unrelated.cache_info().currsize") == 1
    assert cached.eval(CALLS) == NEW
    assert home.json("show", "fix")["patch"]["header"]["clear_caches"] is True
    home.remove("fix")
    assert cached.eval(CALLS) == OLD


@pytest.mark.every_python
def test_filled_caches_are_named_until_somebody_clears_them(
    home: Home, cached: Application, package: Package
) -> None:
    cached.exec("shelf = m.Shelf(); shelf.lazy")
    assert cached.eval(CALLS) == OLD
    changed = home.add(package.write_patch("fix.diff", package.diff("shop/cached.py", *CHANGES)))
    assert cached.eval(CALLS) == OLD
    stale = {one["name"]: one for one in changed.outcome(cached.pid)["stale"]}
    assert set(stale) == {"direct", "through", "Shelf.fixed", "Shelf.lazy", "under_another_name"}
    lines = CACHED.splitlines()
    assert stale["direct"]["file"] == str(package.folder / "shop" / "cached.py")
    assert lines[stale["direct"]["line"] - 1].startswith("@functools")
    assert stale["through"]["because"] == "base"
    assert f"cached.py:{stale['through']['line']}, computed from base" in home.run("audit").out
    cached.exec("for one in (m.direct, m.through, m.Shelf.fixed): one.cache_clear()")
    row = next(row for row in home.json("audit")["processes"] if row["process"]["pid"] == cached.pid)
    left = [one["name"] for report in row["patches"] for one in report["modules"][0]["stale"]]
    assert sorted(left) == ["Shelf.lazy", "under_another_name"]
    assert cached.eval(CALLS)[:3] == NEW[:3]
    assert home.run("audit").out.count("stale") == len(left)


def test_another_patch_leaves_caches_of_new_code_alone(
    home: Home, cached: Application, package: Package
) -> None:
    assert cached.eval(CALLS) == OLD
    home.add(package.write_patch("one.diff", package.diff("shop/cached.py", CHANGES[0])), "--clear-caches")
    assert cached.eval(CALLS)[1:] == NEW[1:]
    changed = home.add(package.write_patch("two.diff", package.diff("shop/cached.py", CHANGES[1])))
    assert [one["name"] for one in changed.outcome(cached.pid)["stale"]] == ["direct"]
    assert cached.eval("m.through.cache_info().currsize") == 1


def test_a_module_imported_patched_is_cleared_when_the_patch_goes(
    home: Home, start: Starter, package: Package
) -> None:
    (package.folder / "shop" / "cached.py").write_text(CACHED)
    package.files["shop/cached.py"] = CACHED
    header = "clear-caches = true"
    home.add(package.write_patch("fix.diff", package.diff("shop/cached.py", *CHANGES), header))
    app = start()
    app.exec("import functools, shop.cached as m; elsewhere = functools.lru_cache(m.base)")
    home.wait_linked(app.pid)
    assert app.eval(CALLS) == NEW
    home.wait_state(app.pid, "fix", "active")
    home.remove("fix")
    assert app.eval(CALLS) == OLD


def test_caches_that_hold_a_class_of_a_cached_property_stay(
    home: Home, cached: Application, package: Package
) -> None:
    cached.exec("of_class = functools.lru_cache(m.Shelf); shelf = of_class(); shelf.lazy")
    patch = package.write_patch("fix.diff", package.diff("shop/cached.py", *CHANGES))
    home.add(patch, "--clear-caches")
    assert cached.eval(CALLS) == NEW
    assert cached.eval("(of_class.cache_info().currsize, of_class() is shelf)") == [1, True]
    (module,) = [
        one for row in home.json("audit")["processes"] for p in row["patches"] for one in p["modules"]
    ]
    assert "Shelf.lazy" in [stale["name"] for stale in module["stale"]]
