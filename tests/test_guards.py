"""Guards: a patch applies only to the code, version, Python and process that it was written for."""

from __future__ import annotations

import pytest

from tests.conftest import Starter
from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import Package
from tests.rig.waiting import until_equal


def add(home: Home, app: Application, package: Package, header: str) -> tuple[str | None, str | None]:
    """State and reason in the application after adding a diff with this header."""
    changed = home.add(package.write_patch("fix.diff", package.diff(), header), code=None)
    return changed.state(app.pid), changed.reason(app.pid)


@pytest.mark.parametrize("wanted", ["sample-shop>=1,<2", "Sample_Shop==1.0.0", "sample-shop"])
def test_version_that_matches(home: Home, app: Application, package: Package, wanted: str) -> None:
    assert add(home, app, package, f'requires = ["{wanted}"]') == ("active", None)
    assert app.eval("shop.price.net(5)") == 10


@pytest.mark.parametrize("wanted", ["sample-shop>=2", "sample-shop<1.0.0", "not-installed>=1"])
def test_version_that_does_not(home: Home, app: Application, package: Package, wanted: str) -> None:
    assert add(home, app, package, f'requires = ["{wanted}"]') == ("skipped", "version-mismatch")
    assert app.eval("shop.price.net(5)") == 5


def test_mismatch_says_what_was_found(home: Home, app: Application, package: Package) -> None:
    path = package.write_patch("fix.diff", package.diff(), 'requires = ["sample-shop>=2"]')
    detail = home.add(path, code=None).outcome(app.pid)["refusal"]["detail"]
    assert "1.0.0" in detail
    assert ">=2" in detail


def test_patch_retires_when_the_upgrade_ships(
    home: Home, app: Application, start: Starter, package: Package
) -> None:
    add(home, app, package, 'requires = ["sample-shop<1.1"]')
    package.set_version("1.1.0")
    fresh = start()
    fresh.exec("import shop.price")
    assert fresh.eval("shop.price.net(5)") == 5
    home.wait_state(fresh.pid, "fix", "skipped")


def test_python_version(home: Home, app: Application, package: Package) -> None:
    assert add(home, app, package, 'python = ">=4"') == ("skipped", "python-mismatch")
    home.remove("fix")
    assert add(home, app, package, 'python = ">=3.9"') == ("active", None)


def test_processes_by_command_line(home: Home, app: Application, package: Package) -> None:
    state, reason = add(home, app, package, 'processes = { cmdline = "*no-such-program*" }')
    assert (state, reason) == ("skipped", "other-process")
    home.remove("fix")
    assert add(home, app, package, 'processes = { cmdline = "*application.py*" }') == ("active", None)


def test_processes_by_user_and_prefix(home: Home, app: Application, package: Package) -> None:
    assert add(home, app, package, 'processes = { user = "no-such-user" }')[1] == "other-process"
    home.remove("fix")
    assert add(home, app, package, 'processes = { prefix = "/no/such/prefix" }')[1] == "other-process"
    home.remove("fix")
    prefix = app.eval("__import__('sys').prefix")
    assert add(home, app, package, f'processes = {{ prefix = "{prefix}" }}') == ("active", None)


def test_expired_patch(home: Home, app: Application, package: Package) -> None:
    result = home.run(
        "--json",
        "add",
        package.write_patch("fix.diff", package.diff(), "expires = 2020-01-01T00:00:00Z"),
        code=None,
    )
    (note,) = result.json["notes"]
    assert "expires" in note
    assert app.eval("shop.price.net(5)") == 5


def test_fingerprint(home: Home, app: Application, package: Package) -> None:
    wrong = "sha256:" + "0" * 64
    state, reason = add(home, app, package, f'fingerprint = {{ "net" = "{wrong}" }}')
    assert (state, reason) == ("skipped", "fingerprint-mismatch")
    assert app.eval("shop.price.net(5)") == 5


def test_already_applied(home: Home, app: Application, package: Package, start: Starter) -> None:
    path = package.write_patch("fix.diff", package.diff())
    (package.folder / "shop" / "price.py").write_text(
        package.changed("shop/price.py", ("    return amount\n", "    return amount * 2\n"))
    )
    fixed = start()
    fixed.exec("import shop.price")
    home.wait_linked(fixed.pid)
    changed = home.add(path, code=None)
    assert changed.reason(fixed.pid) == "already-applied"
    assert fixed.eval("shop.price.net(5)") == 10
    assert app.alive()


def test_running_code_that_is_not_in_the_file(home: Home, app: Application, package: Package) -> None:
    app.exec("def other(amount):\n    return -1\nshop.price.net.__code__ = other.__code__")
    changed = home.add(package.write_patch("fix.diff", package.diff()), code=None)
    assert changed.state(app.pid) in {"skipped", "failed"}
    assert app.eval("shop.price.net(5)") == -1


def test_order_replaces_and_needs(home: Home, app: Application, package: Package) -> None:
    base = package.diff()
    home.add(package.write_patch("old.diff", base))
    better = package.diff("shop/price.py", ("    return amount\n", "    return amount * 4\n"))
    home.add(package.write_patch("new.diff", better, 'replaces = ["old"]'))
    until_equal(lambda: app.eval("shop.price.net(1)"), 4)
    changed = home.add(
        package.write_patch(
            "more.diff",
            package.diff("shop/stock.py", ("    return len(name)\n", "    return 0\n")),
            'needs = ["absent"]',
        ),
        code=None,
    )
    assert changed.reason(app.pid) == "conflict"
    assert app.eval("shop.stock.count('a')") == 1
