"""The code of modules that are compiled whole for their patches: kept, and used while it is theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.rig.home import Home
from tests.rig.package import Package

CHANGE = ("RATE = 20\n", "RATE = 40\n")
# Another text's code behind the header of the kept one, with its own hash.
FORGE = """
import marshal, _imp
path = {path!r}
content = open(path, "rb").read()
text = open({copy!r}).read().replace("RATE = 40", "RATE = 50")
code = marshal.dumps(compile(text, {copy!r}, "exec"))
own = _imp.source_hash(int.from_bytes(content[:4], "little"), code)
open(path, "wb").write(content[:16] + code + own)
"""


def kept(home: Home) -> list[Path]:
    """Files with compiled code in the home."""
    return list((home.folder / "cache").rglob("*.pyc"))


def total(start: Starter) -> object:
    """What the module computes in a fresh process."""
    app = start()
    app.exec("import shop.price")
    return app.eval("shop.price.total(1)")


@pytest.mark.every_python
def test_code_is_kept_and_used(home: Home, start: Starter, package: Package) -> None:
    home.add(package.write_patch("fix.diff", package.diff("shop/price.py", CHANGE)))
    assert total(start) == 41
    (path,) = kept(home)
    assert path.parent.name == "__pycache__"
    assert path.stat().st_mode & 0o077 == 0
    assert not list(path.parent.glob("*.tmp"))
    (copy,) = (home.folder / "cache").rglob("price.py")
    app = start()
    app.exec(FORGE.format(path=str(path), copy=str(copy)))
    assert total(start) == 51, "what is kept is used"
    path.chmod(0o666)
    assert total(start) == 41, "what others may have written is not"
    assert path.stat().st_mode & 0o077 == 0
    app.exec(FORGE.format(path=str(path), copy=str(copy)))
    assert total(start) == 51
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    assert total(start) == 41, "what is damaged is not"
    app.exec(FORGE.format(path=str(path), copy=str(copy)))
    content = bytearray(path.read_bytes())
    content[8] ^= 1
    path.write_bytes(content)
    assert total(start) == 41, "what belongs to another text is not"


@pytest.mark.parametrize("variable", ["PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"])
def test_nothing_is_kept_where_the_interpreter_keeps_nothing(
    home: Home, start: Starter, package: Package, tmp_path: Path, variable: str
) -> None:
    home.add(package.write_patch("fix.diff", package.diff("shop/price.py", CHANGE)))
    app = start(variables={variable: str(tmp_path / "elsewhere")})
    app.exec("import shop.price")
    assert app.eval("shop.price.total(1)") == 41
    assert kept(home) == []
    assert not [path for path in tmp_path.rglob("price*.pyc") if "sources" in str(path)]
