"""Signed patches: keys, signing, verifying, and a daemon that demands signatures."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import COUNT, NET, Package
from tests.rig.waiting import stays, until, until_equal


def demand(home: Home) -> None:
    """Make the daemon demand signatures."""
    (home.folder / "patchd.toml").write_text("require-signature = true\n")


def signed(home: Home, package: Package, factor: int, serial: int, name: str = "fix.diff") -> Path:
    """A patch that multiplies the price, signed by the key `ops`."""
    path = package.write_patch(
        name, package.diff("shop/price.py", (NET[0], f"    return amount * {factor}\n"))
    )
    home.run("sign", path, "--key", "ops", "--serial", serial)
    return path


def fault(home: Home, name: str = "fix") -> Any:
    """Why a file of the folder does not count."""
    return {patch["id"]: patch["broken"] for patch in home.json("list")["patches"]}.get(name)


@pytest.fixture
def strict(home: Home, app: Application) -> Application:
    """A process of a daemon that demands signatures and trusts the key `ops`."""
    home.run("key", "generate", "ops")
    demand(home)
    return app


def test_keys_are_made_listed_trusted_and_forgotten(home: Home, folder: Path) -> None:
    made = home.json("key", "generate", "ops")
    assert stat.S_IMODE(Path(made["secret"]).stat().st_mode) == 0o600
    assert home.json("key", "list")["keys"] == [{"name": "ops", "key": made["key"], "signs": True}]
    home.run("key", "generate", "ops", code=1)
    other = Home(home.environment, folder / "other")
    other.folder.mkdir()
    other.run("key", "trust", made["public"], "--name", "theirs")
    assert other.json("key", "list")["keys"] == [{"name": "theirs", "key": made["key"], "signs": False}]
    other.run("key", "forget", "theirs")
    assert other.json("key", "list")["keys"] == []
    (folder / "bad.pub").write_text("ssh-ed25519 AAAA\n")
    other.run("key", "trust", folder / "bad.pub", code=6)


@pytest.mark.parametrize("name", ["fix.diff", "fix.py"])
def test_signed_files_are_verified(home: Home, package: Package, name: str) -> None:
    home.run("key", "generate", "ops")
    text = package.diff() if name == "fix.diff" else "def net(amount):\n    return amount * 2\n"
    path = package.write_patch(name, text, 'module = "shop.price"' if name == "fix.py" else "")
    assert "not signed" in home.run("verify", path, code=3).out
    home.run("sign", path, "--key", "ops")
    (row,) = home.json("verify", path)["files"]
    assert (row["good"], row["key"]) == (True, "ops")
    again = home.json("sign", path, "--key", home.folder / "keys" / "ops.key")["signed"][0]
    assert again["serial"] > row["serial"]
    path.write_text(path.read_text().replace("* 2", "* 3"))
    assert "bad signature" in home.run("verify", path, code=3).out
    home.run("key", "forget", "ops")
    path.write_text(path.read_text().replace("* 3", "* 2"))
    assert "unknown key" in home.run("verify", path, code=3).out


def test_unsigned_patches_are_refused_where_signatures_are_demanded(
    home: Home, strict: Application, package: Package
) -> None:
    plain = package.write_patch("plain.diff", package.diff())
    refused = home.run("add", plain, code=3)
    assert "not signed" in refused.err
    (home.patches / "plain.diff").write_text(plain.read_text())
    until(lambda: fault(home, "plain"), lambda seen: seen and "not signed" in seen, what="the refusal")
    assert strict.eval("shop.price.net(5)") == 5
    home.add(signed(home, package, 2, 1))
    assert strict.eval("shop.price.net(5)") == 10
    assert home.json("show", "fix")["patch"]["signed_by"] == "ops"


def test_a_tampered_file_does_not_count(home: Home, strict: Application, package: Package) -> None:
    path = signed(home, package, 2, 1)
    tampered = path.read_text().replace("* 2", "* 9")
    path.write_text(tampered)
    assert "bad signature" in home.run("add", path, code=3).err
    home.add(signed(home, package, 2, 1))
    (home.patches / "fix.diff").write_text(tampered)
    until(lambda: fault(home), lambda seen: seen and "bad signature" in seen, what="the refusal")
    stays(lambda: strict.eval("shop.price.net(5)"), 10)
    home.kill_daemon()
    home.start()
    home.wait_linked(strict.pid)
    assert strict.eval("shop.price.net(5)") == 10, "the last good version stays"


def test_options_would_change_a_signed_file(home: Home, strict: Application, package: Package) -> None:
    path = signed(home, package, 2, 1)
    home.run("add", path, "--for", "1h", code=6)
    home.run("add", path, "--id", "other", code=3)
    changed = home.add(path, "--reason", "why")
    assert changed.state(strict.pid) == "active"
    assert any(entry["reason"] == "why" for entry in home.json("history")["entries"])


def test_an_older_version_does_not_come_back(home: Home, strict: Application, package: Package) -> None:
    old = signed(home, package, 2, 1).read_text()
    home.add(package.folder.parent / "fix.diff")
    home.add(signed(home, package, 3, 2), "--overwrite")
    assert strict.eval("shop.price.net(5)") == 15
    (home.patches / "fix.diff").write_text(old)
    until(lambda: fault(home), lambda seen: seen and "downgrade" in seen, what="the refusal")
    stays(lambda: strict.eval("shop.price.net(5)"), 15)
    path = package.write_patch("fix.diff", old)
    assert "downgrade" in home.run("add", path, "--overwrite", code=3).err


def test_a_removed_patch_does_not_come_back_by_itself(
    home: Home, strict: Application, package: Package
) -> None:
    path = signed(home, package, 2, 1)
    home.add(path)
    home.remove("fix")
    (home.patches / "fix.diff").write_text(path.read_text())
    until(lambda: fault(home), lambda seen: seen and "replay" in seen, what="the refusal")
    assert strict.eval("shop.price.net(5)") == 5
    home.kill_daemon()
    home.start()
    home.wait_linked(strict.pid)
    assert "replay" in fault(home)
    assert strict.eval("shop.price.net(5)") == 5
    (home.patches / "fix.diff").unlink()
    until_equal(lambda: fault(home), None)
    home.add(path)
    assert strict.eval("shop.price.net(5)") == 10


def test_a_signature_is_for_one_patch(home: Home, strict: Application, package: Package) -> None:
    text = signed(home, package, 2, 1).read_text()
    (home.patches / "other.diff").write_text(text)
    until(
        lambda: fault(home, "other"), lambda seen: seen and "signed as patch fix" in seen, what="the refusal"
    )
    assert strict.eval("shop.price.net(5)") == 5


def test_a_forgotten_key_takes_its_patches_out(home: Home, strict: Application, package: Package) -> None:
    home.add(signed(home, package, 2, 1))
    home.run("key", "forget", "ops")
    until_equal(lambda: strict.eval("shop.price.net(5)"), 5)
    assert "unknown key" in fault(home)


def test_demanding_signatures_later_takes_unsigned_patches_out(
    home: Home, app: Application, package: Package
) -> None:
    home.add(package.write_patch("stock.diff", package.diff("shop/stock.py", COUNT)))
    home.run("key", "generate", "ops")
    home.add(signed(home, package, 2, 1))
    demand(home)
    until_equal(lambda: app.eval("shop.stock.count('')"), 0)
    assert app.eval("shop.price.net(5)") == 10
    (home.folder / "patchd.toml").unlink()
    until_equal(lambda: app.eval("shop.stock.count('')"), 100)


def test_settings_that_cannot_be_read_demand_signatures(
    home: Home, app: Application, package: Package
) -> None:
    (home.folder / "patchd.toml").write_text("require-signatures = false\n")
    refused = home.run("add", package.write_patch("fix.diff", package.diff()), code=3)
    assert "patchd.toml" in refused.err
    assert app.eval("shop.price.net(5)") == 5
